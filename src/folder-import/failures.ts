import { basename } from "node:path";

import { databaseFailure } from "../database/failures.ts";
import { diskFailure } from "../disk-errors.ts";
import { ApiError, apiErrors, ValidationProblems, type ApiErrorCode } from "../errors.ts";
import { errorMeanings } from "../openapi/error-meanings.ts";
import { withReadableSize } from "../readable-size.ts";
import { hasMediaExtension } from "./file-names.ts";
import { SourceError } from "./source-folder.ts";

/** What a failure means for the import. */
export type Failure =
  /** The file is at fault. */
  | { readonly kind: "refused"; readonly why: string; readonly isByStore?: boolean }
  /** The file is neither a photo nor a video, and has no such extension. */
  | { readonly kind: "ignored" }
  /** Another attempt may succeed. */
  | { readonly kind: "temporary"; readonly why: string }
  /** Every other file would fail, too. */
  | { readonly kind: "stopped"; readonly why: string };

const temporaryCodes: readonly ApiErrorCode[] = [
  "OVERLOADED",
  "STORE_UNAVAILABLE",
  "UNAVAILABLE",
  "UPLOAD_IN_PROGRESS",
];

/** Says what the failure of one file means. Messages of unknown errors are not repeated, because they may hold secrets. */
export function failureOf(error: unknown, path: string): Failure {
  if (error instanceof SourceError) return { kind: "refused", why: error.message };
  if (error instanceof ValidationProblems)
    return { kind: "refused", why: sentence(error.reasons.join("; ")) };
  const known = error instanceof ApiError ? error : (databaseFailure(error) ?? diskFailure(error));
  if (!known) return { kind: "refused", why: `It failed unexpectedly (${nameOf(error)}).` };
  const { code } = known;
  if (code === "UNSUPPORTED_MEDIA" && !hasMediaExtension(basename(path))) return { kind: "ignored" };
  if (code === "UNAUTHORIZED")
    return { kind: "stopped", why: "The account was deactivated or deleted meanwhile." };
  if (code === "STORAGE_FULL")
    return { kind: "stopped", why: "There is no space left (MIN_FREE_SPACE stays free)." };
  const { detail } = apiErrors[code];
  const meaning = detail === code ? errorMeanings[code] : undefined;
  const why = sentence(withReadableSize(known.options.detail ?? meaning ?? detail));
  if (temporaryCodes.includes(code)) return { kind: "temporary", why };
  return { kind: "refused", why, isByStore: code === "STORE_FAILED" };
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);

function sentence(text: string): string {
  const capitalized = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capitalized) ? capitalized : `${capitalized}.`;
}
