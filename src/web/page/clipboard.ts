/**
 * Copies a text, on plain HTTP too, where browsers offer no clipboard. Call it in response to a click.
 * @returns whether it worked
 */
export async function copy(text: string): Promise<boolean> {
  try {
    // Undefined outside secure contexts.
    if (!navigator.clipboard) return copyByEvent(text);
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByEvent(text);
  }
}

/** Browsers let a page fill the clipboard in the event of its own copy command. */
function copyByEvent(text: string): boolean {
  let isFilled = false;
  const fill = (event: ClipboardEvent) => {
    event.preventDefault();
    event.clipboardData?.setData("text/plain", text);
    isFilled = event.clipboardData !== null;
  };
  document.addEventListener("copy", fill, { once: true });
  const isDone = document.execCommand("copy");
  document.removeEventListener("copy", fill);
  return isDone && isFilled;
}
