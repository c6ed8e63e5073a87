/**
 * Makes an untrusted text safe to print: in one line, and without characters that a terminal would obey or that change how
 * other text is shown.
 */
export const printable = (text: string): string => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\ufffd");
