/** Returns the extension of a file's name in lower case, without the dot; an empty text if the name has no dot. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  // ASCII only: `toLowerCase` turns the Kelvin sign into an ASCII "k".
  return dot === -1 ? "" : name.slice(dot + 1).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
