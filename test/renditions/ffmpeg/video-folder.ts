import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findFfmpeg } from "../../../src/config/ffmpeg-programs.ts";
import type { VideoType } from "../../../src/renditions/ffmpeg/video-file.ts";

/** The system's ffmpeg. Tests that need it are skipped with this message where it is missing. */
export const programs = findFfmpeg();
if (!programs) console.warn("skipped: the tests of conversions, because ffmpeg is not installed");

/** A folder for videos, which ffmpeg makes. */
export class VideoFolder {
  private constructor(readonly path: string) {}

  static create = async () => new VideoFolder(await mkdtemp(join(tmpdir(), "videos-")));
  remove = () => rm(this.path, { recursive: true });
  file = (name: string) => join(this.path, name);
  video = (name: string, type: VideoType) => ({ path: this.file(name), type });

  /** Runs ffmpeg, which writes a video. */
  async make(name: string, ...options: string[]): Promise<void> {
    await output([programs!.ffmpeg, "-nostdin", "-v", "error", "-y", ...options, this.file(name)]);
  }

  /** What ffprobe says about a file: the first stream of each kind, and the container. */
  async probe(name: string): Promise<Probed> {
    const question = ["-v", "error", "-of", "json", "-show_streams", "-show_format", this.file(name)];
    const { streams, format } = JSON.parse(await output([programs!.ffprobe, ...question]));
    const first = (type: string) => streams.find((stream: Facts) => stream["codec_type"] === type);
    return { streams: streams.length, video: first("video"), audio: first("audio"), format };
  }

  /** The average red, green and blue of a part of a picture; all of it, if `crop` (as of ffmpeg's filter) is missing. */
  async colour(name: string, crop = "iw:ih:0:0"): Promise<number[]> {
    const command = [programs!.ffmpeg, "-nostdin", "-v", "error", "-i", this.file(name)];
    const options = [
      "-vf",
      `crop=${crop},scale=1:1:flags=area,format=rgb24`,
      "-frames:v",
      "1",
      "-f",
      "rawvideo",
      "-",
    ];
    const child = Bun.spawn([...command, ...options], { stderr: "inherit" });
    return [...(await new Response(child.stdout).bytes())];
  }

  /** The MD5 hashes of the coded pictures, in H.264 as of MP4. */
  packets = (name: string) => this.#hashes(name, ["-c", "copy", "-bsf:v", "h264_mp4toannexb"]);
  /** The MD5 hashes of the decoded pictures. */
  frames = (name: string) => this.#hashes(name, []);

  async #hashes(name: string, options: string[]): Promise<string[]> {
    const input = ["-nostdin", "-v", "error", "-i", this.file(name), "-map", "0:v:0"];
    const text = await output([programs!.ffmpeg, ...input, ...options, "-f", "framemd5", "-"]);
    return text.split("\n").flatMap((line) => /\b[\da-f]{32}$/.exec(line)?.[0] ?? []);
  }

  /** The times of all pictures in seconds, beginning with 0. */
  async times(name: string): Promise<number[]> {
    const question = [
      "-v",
      "error",
      "-of",
      "csv=p=0",
      "-select_streams",
      "v:0",
      "-show_entries",
      "packet=pts_time",
    ];
    const text = await output([programs!.ffprobe, ...question, this.file(name)]);
    const times = text
      .split("\n")
      .filter(Boolean)
      .map(parseFloat)
      .sort((a, b) => a - b);
    return times.map((time) => time - times[0]!);
  }

  /** The types of the outermost boxes of an MP4, in their order. */
  async boxes(name: string): Promise<string[]> {
    const bytes = Buffer.from(await Bun.file(this.file(name)).bytes());
    const types: string[] = [];
    for (let at = 0; at + 8 <= bytes.length; at += bytes.readUInt32BE(at) || bytes.length)
      types.push(bytes.toString("latin1", at + 4, at + 8));
    return types;
  }
}

type Facts = Readonly<Record<string, any>>;
interface Probed {
  readonly streams: number;
  readonly video: Facts;
  readonly audio: Facts;
  readonly format: Facts;
}

async function output(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
  const [text, errorOutput] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${errorOutput}`);
  return text;
}

/** Options of inputs: a moving picture, and a tone. */
export const moving = (size: string, seconds = 1, rate = 25) => [
  ...["-f", "lavfi", "-i", `testsrc2=s=${size}:r=${rate}:d=${seconds}`],
];
export const plain = (colour: string, size: string, seconds = 1) => [
  ...["-f", "lavfi", "-i", `color=${colour}:s=${size}:r=25:d=${seconds}`],
];
export const tone = (seconds = 1) => ["-f", "lavfi", "-i", `sine=d=${seconds}`];
export const x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
