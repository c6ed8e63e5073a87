import { element } from "./element.ts";
import { kindOf } from "./file-kind.ts";
import { text } from "./texts/text.ts";

/** Longest side of a preview in the queue, in pixels: twice its size on the page. */
const maxPreviewSide = 192;
/** Longest side of a video's poster, in pixels. */
const maxPosterSide = 1280;
/** Where the poster is taken: films often begin with black. */
const posterSeconds = 1;
const maxWaitMs = 10_000;

/**
 * Creates a function that makes a small picture of a file: of an image for the queue, of a video its poster. It makes one
 * at a time, because a decoded photo takes 50 MB and more. The picture is undefined if the browser cannot decode the file.
 */
export function createPreviewer(): (file: File, signal: AbortSignal) => Promise<Blob | undefined> {
  let last: Promise<unknown> = Promise.resolve();
  return (file, signal) => {
    const made = last.then(() => (signal.aborted ? undefined : pictureOf(file))).catch(() => undefined);
    last = made;
    return made;
  };
}

/**
 * Creates the box for a picture of a file. A message takes the place of one that the browser cannot decode.
 * @param signal frees the picture
 */
export function previewBox(picture: Promise<Blob | undefined>, signal: AbortSignal): HTMLElement {
  const box = element("div", { className: "preview", attributes: { "aria-hidden": "true" } });
  void picture.then((blob) => {
    if (signal.aborted) return;
    if (!blob) return box.append(text("noPreview"));
    const src = URL.createObjectURL(blob);
    signal.addEventListener("abort", () => URL.revokeObjectURL(src));
    box.append(element("img", { src, alt: "" }));
  });
  return box;
}

const pictureOf = (file: File) => (kindOf(file) === "video" ? posterOf(file) : thumbnailOf(file));

async function thumbnailOf(file: File): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  try {
    // PNG, because it keeps transparency and every browser writes it.
    return await draw(bitmap, bitmap, { maxSide: maxPreviewSide, type: "image/png" });
  } finally {
    bitmap.close();
  }
}

/** Returns a JPEG of a video's frame. @throws Error when the browser cannot play the video */
async function posterOf(file: File): Promise<Blob> {
  const src = URL.createObjectURL(file);
  const video = element("video", { muted: true, playsInline: true, preload: "auto", src });
  try {
    await nextEvent(video, "loadeddata");
    video.currentTime = Math.min(posterSeconds, video.duration / 2) || 0;
    await nextEvent(video, "seeked");
    const { videoWidth: width, videoHeight: height } = video;
    return await draw(video, { width, height }, { maxSide: maxPosterSide, type: "image/jpeg" });
  } finally {
    // Frees the decoder, of which phones have few.
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(src);
  }
}

function nextEvent(video: HTMLVideoElement, name: string): Promise<void> {
  const ended = new AbortController();
  const { signal } = ended;
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name} in time`)), maxWaitMs);
    signal.addEventListener("abort", () => clearTimeout(timer));
    video.addEventListener(name, () => resolve(), { signal });
    video.addEventListener("error", () => reject(video.error), { signal });
  }).finally(() => ended.abort());
}

async function draw(
  source: CanvasImageSource,
  { width, height }: { width: number; height: number },
  { maxSide, type }: { maxSide: number; type: string },
): Promise<Blob> {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  const canvas = element("canvas", {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  });
  canvas.getContext("2d")!.drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), type, 0.85),
  );
}
