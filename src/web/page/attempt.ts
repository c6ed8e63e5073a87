import { notify } from "./notice.ts";

/** Runs the action of a button and shows the message that it returns, or the message of its failure. */
export async function attempt(action: () => Promise<string | void>): Promise<void> {
  try {
    const message = await action();
    if (message) notify(message);
  } catch (failure) {
    notify((failure as Error).message);
  }
}
