import { licenceTexts } from "../build/licences.macro.ts" with { type: "macro" };

/** The licence of this program and those of everything it is made of. */
export const licences = (): string => licenceTexts();
