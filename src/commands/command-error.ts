/** A command failed: a sentence for the operator, exit status 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
