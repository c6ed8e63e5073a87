import { open } from "node:fs/promises";

/** A video in a local file. */
export interface VideoFile {
  /** Absolute path. */
  readonly path: string;
  readonly type: VideoType;
}

/** ffmpeg's demuxer for each content type. Both of MPEG's are for streams with and without packets. */
const demuxers = {
  "video/mp4": "mov",
  "video/quicktime": "mov",
  "video/3gpp": "mov",
  "video/webm": "matroska",
  "video/matroska": "matroska",
  "video/x-msvideo": "avi",
  "video/mpeg": "mpeg",
  "video/mp2t": "mpegts",
  "video/ogg": "ogg",
} as const;

export type VideoType = keyof typeof demuxers;
export type Demuxer = (typeof demuxers)[VideoType] | "mpegvideo";

/** The code that begins an MPEG video stream without packets (sequence_header_code, ISO 13818-2, table 6-1). */
const sequenceHeader = 0x000001b3;

/**
 * Returns the demuxer for a video, by its content type alone. ffmpeg must not guess: it would follow a playlist or script,
 * and open the files and addresses that it names.
 */
export async function demuxerOf({ path, type }: VideoFile): Promise<Demuxer> {
  if (type !== "video/mpeg") return demuxers[type];
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.readUInt32BE() === sequenceHeader ? "mpegvideo" : "mpeg";
  } finally {
    await file.close();
  }
}

/**
 * Decoders that videos use, with those of covers and subtitles, which are opened but not used. ffmpeg has hundreds more, for
 * games and for obsolete formats, among which an attacker could choose.
 */
const decoders = [
  "h264 hevc vp8 vp9 libvpx libvpx-vp9 av1 libdav1d libaom-av1 theora",
  "mpeg1video mpeg2video mpeg4 msmpeg4v1 msmpeg4v2 msmpeg4 h261 h263 h263i flv wmv1 wmv2 wmv3 vc1",
  "mjpeg mjpegb dvvideo prores dnxhd cfhd png rawvideo v210 huffyuv ffvhuff ffv1 qtrle cinepak svq1 svq3 rpza",
  "aac aac_latm ac3 eac3 dca mp1float mp1 mp2float mp2 mp3float mp3 opus libopus vorbis libvorbis flac alac",
  "amrnb amrwb libopencore_amrnb libopencore_amrwb qdm2 wmav1 wmav2 adpcm_ima_wav adpcm_ima_qt adpcm_ms",
  "pcm_s8 pcm_u8 pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_s32be pcm_f32le pcm_f32be pcm_alaw pcm_mulaw pcm_bluray pcm_dvd",
  "bmp gif srt subrip text ass ssa webvtt mov_text dvdsub dvbsub pgssub xsub cc_dec libzvbi_teletextdec",
].flatMap((names) => names.split(" "));

/** Frames with more pixels are not decoded: 8K, with a margin. */
const maxPixels = 40_000_000;

/** Options before the input, for ffmpeg and ffprobe: only this file is read, as this format, by a known decoder. */
export async function inputOptions(file: VideoFile): Promise<string[]> {
  const demuxer = await demuxerOf(file);
  return [
    ...["-protocol_whitelist", "file", "-format_whitelist", demuxer],
    ...["-codec_whitelist", decoders.join(",")],
    // By default, references to other files are not followed. These options guarantee it.
    ...(demuxer === "mov" ? ["-enable_drefs", "0", "-use_absolute_path", "0"] : []),
    ...["-max_pixels", String(maxPixels), "-f", demuxer],
    ...["-i", `file:${file.path}`],
  ];
}
