import libheifPath from "libheif-js/libheif-wasm/libheif-bundle.mjs" with { type: "file" };

import { CannotDecode } from "./cannot-decode.ts";
import { PixelView } from "./pixel-view.ts";

/** What libheif-js's module for browsers exports, by the types that it ships. */
type LibheifModule = typeof import("libheif-js/libheif-wasm/libheif.js");

/** A plane of a decoded picture in the memory of libheif. */
interface Channel {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly data: Uint8Array;
}

/**
 * Decodes the primary picture of a HEIC with libheif: grids, overlays, opacity, more than 8 bits. It is cropped, turned and
 * mirrored as displayed, and reduced to 8 bits.
 * @param bytes the whole file
 * @returns a view of the decoder's memory, which lives as long as the view
 * @throws CannotDecode
 */
export async function decodeHevc(bytes: Uint8Array): Promise<PixelView> {
  // Loaded from a separate file, because every process would load a bundled module.
  const { default: create } = (await import(libheifPath)) as LibheifModule;
  // A new instance for each picture: none may see what another picture or a crash left in memory.
  const libheif = await create({ print: () => {}, printErr: () => {} });
  const context = libheif.heif_context_alloc();
  requireSuccess(libheif.heif_context_read_from_memory(context, bytes));
  const handle = requireSuccess(libheif.heif_js_context_get_primary_image_handle(context));
  const decoded = requireSuccess(
    libheif.heif_js_decode_image2(
      handle,
      libheif.heif_colorspace.heif_colorspace_RGB,
      libheif.heif_chroma.heif_chroma_interleaved_RGBA,
    ),
  ) as { readonly channels: readonly Channel[] };
  const [pixels] = decoded.channels;
  if (!pixels) throw new CannotDecode("no pixels");
  const isPremultiplied = libheif.heif_image_handle_is_premultiplied_alpha(handle) !== 0;
  return PixelView.of(pixels.data, pixels, isPremultiplied);
}

/** @throws CannotDecode if a result of libheif is an error */
function requireSuccess<T extends object>(result: T): T {
  if (!("code" in result)) return result;
  const { code, message } = result as { code: { value: number }; message?: unknown };
  if (code.value !== 0) throw new CannotDecode(String(message));
  return result;
}
