import { ValidationProblems, type Problem } from "../errors.ts";

/** A problem of one field of the upload form. */
export const problem = (field: string, type: Problem["type"], msg: string): Problem => ({
  type,
  loc: ["body", field],
  msg,
});

/** The error for a `thumbnail` part that cannot be used. @param why a clause without a full stop */
export const badThumbnail = (why: string): ValidationProblems =>
  new ValidationProblems([problem("thumbnail", "value_error", `Value error, ${why}`)]);
