/**
 * Reports whether a text can be stored and hashed without loss: it has no lone surrogate, which UTF-8 would replace with
 * U+FFFD, and no NUL, which PostgreSQL rejects and some bcrypt implementations treat as the end of the text.
 */
export const isWellFormedText = (text: string): boolean => text.isWellFormed() && !text.includes("\0");
