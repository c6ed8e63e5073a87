import { licenceTexts } from "../build/licences.macro.ts" with { type: "macro" };

/** The licences of this program and of all its parts. */
export const licences = (): string => licenceTexts();
