import wasmPath from "@jsquash/avif/codec/dec/avif_dec.wasm" with { type: "file" };

import { CannotDecode } from "./cannot-decode.ts";
import { PixelView } from "./pixel-view.ts";

/**
 * Decodes the primary picture of an AVIF, or the first of a sequence, with libavif: grids, opacity, more than 8 bits. It
 * is reduced to 8 bits, but neither cropped nor turned nor mirrored.
 * @param bytes the whole file
 * @throws CannotDecode
 */
export async function decodeAv1(bytes: Uint8Array<ArrayBuffer>): Promise<PixelView> {
  const [{ default: decode, init }, wasm] = await Promise.all([
    // Loaded only in the processes that decode.
    import("@jsquash/avif/decode"),
    Bun.file(wasmPath).arrayBuffer(),
  ]);
  // A new instance for each picture: none may see what another picture or a crash left in memory.
  await init(new WebAssembly.Module(wasm));
  const picture = await decode(bytes.buffer);
  if (!picture) throw new CannotDecode("no pixels");
  const { data, width, height } = picture;
  return PixelView.of(data, { width, height, stride: width * 4 });
}
