import { ValidationProblems, type Problem } from "../../errors.ts";
import { textProblem } from "../../http/text-problem.ts";
import { maxAltLength, maxCaptionLength } from "../../limits.ts";

/** What a client says about a file, as the parts of the upload form. */
export interface UploadTexts {
  readonly filename: string;
  readonly caption: string;
  readonly alt: string;
}

/** Limit for the header, which is kept for the responses to HEAD. Bun accepts little more for all headers together. */
const maxMetadataBytes = 16 * 1024;

/** The texts that are checked: their names for error messages, and their largest lengths in code points. */
const checked = {
  caption: { name: "a caption", max: maxCaptionLength },
  alt: { name: "an alternative text", max: maxAltLength },
};

const problem = (key: keyof typeof checked | undefined, wording: Pick<Problem, "type" | "msg">): Problem => ({
  ...wording,
  loc: ["header", "upload-metadata", ...(key === undefined ? [] : [key])],
});

/**
 * Reads `Upload-Metadata` (Creation, Upload-Metadata): "one or more comma-separated key-value pairs. The key and value
 * MUST be separated by a space. The key MUST NOT contain spaces and commas and MUST NOT be empty. […] the value MUST be
 * Base64 encoded. All keys MUST be unique. The value MAY be empty. In these cases, the space […] MAY be left out."
 * @param header null for none
 * @throws ValidationProblems
 */
export function readMetadata(header: string | null): UploadTexts {
  const pairs = header === null ? new Map<string, Buffer>() : readPairs(header);
  const problems: Problem[] = [];
  const textOf = (key: keyof typeof checked): string => {
    const { name, max } = checked[key];
    const text = decode(pairs.get(key));
    const wording = text === undefined ? notUtf8 : textProblem(name, text, { max });
    if (wording) problems.push(problem(key, wording));
    return text ?? "";
  };
  const [caption, alt] = [textOf("caption"), textOf("alt")];
  if (problems.length > 0) throw new ValidationProblems(problems);
  // Any name is accepted, as in the upload form.
  return { filename: pairs.get("filename")?.toString() ?? "", caption, alt };
}

const notUtf8 = { type: "value_error", msg: "Value error, the text is not well-formed Unicode" } as const;

function readPairs(header: string): Map<string, Buffer> {
  const pairs = new Map<string, Buffer>();
  const entries = header.length > maxMetadataBytes ? [""] : header.split(",");
  for (const entry of entries) {
    const [, key = "", value = ""] = /^ *([!-+\--~]+)(?: +([A-Za-z0-9+/]*={0,2}))? *$/.exec(entry) ?? [];
    if (key === "" || pairs.has(key)) {
      const msg = "Value error, pairs of a key and a Base64 value are expected";
      throw new ValidationProblems([problem(undefined, { type: "value_error", msg })]);
    }
    pairs.set(key, Buffer.from(value, "base64"));
  }
  return pairs;
}

/** @returns undefined for bytes that are no UTF-8 */
function decode(bytes: Uint8Array = new Uint8Array()): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
