import { box, u32 } from "./container-samples.ts";

const containers = new Set("moov trak mdia minf stbl edts dinf mvex sinf schi mfra".split(" "));
/** Boxes whose growth would move the data, or that hold nothing but other boxes' numbers. */
const untouched = new Set(["ftyp", "free", "wide", "moof", "mdat", "tref", "\0\0\0\0"]);

const tail = (type: string) => Buffer.from(`secret behind ${type}`, "latin1");

interface FlatBox {
  readonly type: string;
  readonly body: Buffer;
}

function boxesOf(bytes: Buffer): { boxes: FlatBox[]; rest: Buffer } {
  const boxes: FlatBox[] = [];
  let offset = 0;
  while (offset + 8 <= bytes.length) {
    const size = bytes.readUInt32BE(offset);
    if (size < 8 || offset + size > bytes.length) break;
    const type = bytes.toString("latin1", offset + 4, offset + 8);
    boxes.push({ type, body: bytes.subarray(offset + 8, offset + size) });
    offset += size;
  }
  return { boxes, rest: bytes.subarray(offset) };
}

/**
 * A video with text behind the content of every box in its index, sample entries and their configurations included. The
 * index must stand behind the data, or be that of a video in fragments whose offsets count from each fragment.
 */
export function withTails(file: Buffer): Buffer {
  return withTailsIn(file, false);
}

function withTailsIn(bytes: Buffer, isSound: boolean): Buffer {
  return Buffer.concat(
    boxesOf(bytes).boxes.map(({ type, body }) => {
      if (untouched.has(type)) return box(type, body);
      if (containers.has(type)) return box(type, withTailsIn(body, isSound || isSoundTrack(type, body)));
      if (type === "dref") return box(type, body.subarray(0, 8), ...tailed(body.subarray(8)), tail(type));
      if (type === "wave") return box(type, ...tailed(body));
      if (type === "dfLa") return box(type, withFlacComments(body), tail(type));
      if (type !== "stsd") return box(type, body, tail(type));
      const entries = boxesOf(body.subarray(8)).boxes.map((entry) => entryWithTails(entry, isSound));
      return box(type, body.subarray(0, 8), ...entries, tail(type));
    }),
  );
}

const isSoundTrack = (type: string, body: Buffer) => type === "trak" && body.includes("soun");

/** Boxes, each with text behind its content but for the one without a type that ends a list. */
function tailed(bytes: Buffer): Buffer[] {
  return boxesOf(bytes).boxes.map(({ type, body }) =>
    type === "\0\0\0\0" ? box(type, body) : box(type, body, tail(type)),
  );
}

function entryWithTails({ type, body }: FlatBox, isSound: boolean): Buffer {
  const at = isSound ? ([28, 44, 64][body.readUInt16BE(8)] ?? 28) : 78;
  if (body.length < at) return box(type, body);
  const { rest } = boxesOf(body.subarray(at));
  const children = body.subarray(at, body.length - rest.length);
  return box(type, body.subarray(0, at), withTailsIn(children, isSound), rest, tail(type));
}

/** FLAC's metadata with a comment, a picture and data of a program behind the stream info, which alone is there. */
function withFlacComments(body: Buffer): Buffer {
  const block = (type: number, content: string) =>
    Buffer.concat([u32(type * 2 ** 24 + content.length), Buffer.from(content)]);
  const info = Buffer.from(body);
  info.writeUInt8(0, 4);
  const blocks = [4, 6, 2, 0x81].map((type) => block(type, "secret comment ".repeat(4)));
  return Buffer.concat([info, ...blocks]);
}
