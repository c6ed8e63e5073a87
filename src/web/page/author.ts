import { hiddenEmail } from "../../limits.ts";
import type { PostRead } from "../../posts/post-read.ts";
import { text } from "./texts/text.ts";

/** Returns the name under which the page shows the author of a post. */
export const authorOf = ({ author, email }: Pick<PostRead, "author" | "email">): string =>
  author.name ?? (email === hiddenEmail ? text("someone") : email);
