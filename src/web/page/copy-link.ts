import { copy } from "./clipboard.ts";
import { showToCopy } from "./dialogs.ts";
import { notify } from "./notice.ts";
import { text } from "./texts/text.ts";

/** Copies an address, or shows it to be copied by hand where that fails. */
export async function copyLink(address: string): Promise<void> {
  if (await copy(address)) notify(text("linkCopied"));
  else await showToCopy(text("copyByHand"), address);
}
