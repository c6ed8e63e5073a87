import type { ProgramLimits } from "../../concurrency/limited-program.ts";

const megabyte = 1024 ** 2;

/** Address space of every job: libraries take 300 MB of it, the frames of a 4K video in HEVC with 10 bits 600 MB. */
const memoryBytes = 2048 * megabyte;

/**
 * Nice values: that of media workers for uploads, whose clients wait, and one that gives nearly everything else
 * precedence.
 */
const niceness = { uploads: 5, renditions: 15 };

const reading = { processorSeconds: 20, clockSeconds: 300, memoryBytes, fileBytes: 0 };
const ofRenditions = { memoryBytes, niceness: niceness.renditions };

/** Limits of each kind of job. */
export const limitsOf = {
  /** Inspecting a video, and asking ffmpeg for its capabilities. */
  reading: { ...reading, niceness: niceness.renditions },
  /** The same during an upload. */
  readingUpload: { ...reading, niceness: niceness.uploads },
  poster: { ...ofRenditions, processorSeconds: 60, clockSeconds: 900, fileBytes: 32 * megabyte },
} as const satisfies Record<string, ProgramLimits>;

/** Limits of making an MP4 rendition of a video of this size. */
export const mp4Limits = (bytes: number): ProgramLimits => ({
  ...ofRenditions,
  // Two hours of Full HD, or twenty minutes of 4K with HDR, whose tone mapping takes most of the time.
  processorSeconds: 7200,
  clockSeconds: 43_200,
  // H.264 takes up to three times the space of AV1, and short videos may gain more than that with their sound.
  fileBytes: Math.min(4 * bytes + 64 * megabyte, 4096 * megabyte),
});

/** Limits of copying an uploaded video of this size into another container. */
export const copyLimits = (bytes: number): ProgramLimits => ({
  processorSeconds: 30 + Math.ceil(bytes / 20_000_000),
  clockSeconds: 900 + Math.ceil(bytes / 1_000_000),
  memoryBytes,
  // The sample tables of an MP4 may be larger than the overhead of the old container.
  fileBytes: 2 * bytes + 16 * megabyte,
  niceness: niceness.uploads,
});
