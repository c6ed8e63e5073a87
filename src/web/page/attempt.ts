import { notify } from "./notice.ts";

/** Runs what a button does and shows the message that it returns, or that of its failure. */
export async function attempt(action: () => Promise<string | void>): Promise<void> {
  try {
    const message = await action();
    if (message) notify(message);
  } catch (failure) {
    notify((failure as Error).message);
  }
}
