/** A command could not do its work: one plain sentence for the operator, exit status 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
