import { Failure } from "./failures.ts";
import { text } from "./texts/text.ts";

/**
 * Waits for a change that takes the current password, or where there is none, a recent sign-in.
 * @throws Error that asks the user to sign in again, if that is what the change needs; the error of the change
 */
export async function orSignInAgain<Result>(hasPassword: boolean, change: Promise<Result>): Promise<Result> {
  try {
    return await change;
  } catch (failure) {
    if (!hasPassword && failure instanceof Failure && failure.is("CURRENT_PASSWORD_REQUIRED"))
      throw new Error(text("signInAgain"));
    throw failure;
  }
}
