/** A picture that its decoder rejects, or that uses a feature it does not have. The message is for the log. */
export class CannotDecode extends Error {
  override readonly name = "CannotDecode";
}
