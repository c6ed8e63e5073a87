/** Known formats that are not accepted, by the extension that file-type reports, with advice for each group. */
const groups: readonly {
  readonly advice: string;
  readonly names: Readonly<Record<string, string>>;
  /** Other extensions of the files; undefined for a group of formats that are neither images nor videos. */
  readonly otherExtensions?: readonly string[];
}[] = [
  {
    advice: "cannot be shared yet; export it as JPEG",
    otherExtensions: ["pef", "srw", "raw", "3fr", "erf", "x3f"],
    names: {
      cr2: "Canon RAW (.cr2)",
      cr3: "Canon RAW (.cr3)",
      nef: "Nikon RAW (.nef)",
      arw: "Sony RAW (.arw)",
      dng: "RAW (.dng)",
      orf: "Olympus RAW (.orf)",
      raf: "Fujifilm RAW (.raf)",
      rw2: "Panasonic RAW (.rw2)",
    },
  },
  {
    advice: "cannot be shared yet; save it as JPEG or PNG",
    otherExtensions: ["tiff", "svgz", "j2k", "jpf"],
    names: {
      tif: "TIFF",
      bmp: "BMP",
      ico: "ICO",
      cur: "CUR",
      icns: "ICNS",
      psd: "Photoshop (.psd)",
      xcf: "GIMP (.xcf)",
      jxl: "JPEG XL",
      jp2: "JPEG 2000",
      jpx: "JPEG 2000",
      jpm: "JPEG 2000",
      j2c: "JPEG 2000",
      jls: "JPEG-LS",
      jxr: "JPEG XR",
      bpg: "BPG",
      flif: "FLIF",
      svg: "SVG",
      eps: "EPS",
    },
  },
  {
    advice: "cannot be shared yet; save it as MP4",
    otherExtensions: ["mts", "wmv", "rmvb", "divx", "dv"],
    names: {
      m2ts: "AVCHD (.mts)",
      ts: "MPEG transport streams (.ts)",
      flv: "Flash Video (.flv)",
      asf: "Windows Media (.wmv)",
      ogv: "Ogg video (.ogv)",
      ogm: "Ogg video (.ogm)",
      mxf: "MXF",
      rm: "RealMedia",
      mj2: "Motion JPEG 2000",
      swf: "Flash (.swf)",
    },
  },
  {
    advice: "cannot be shared; only images and videos can",
    names: {
      mp1: "Sound (.mp1)",
      mp2: "Sound (.mp2)",
      mp3: "Sound (.mp3)",
      m4a: "Sound (.m4a)",
      m4b: "Sound (.m4b)",
      m4p: "Sound (.m4p)",
      f4a: "Sound (.m4a)",
      aac: "Sound (.aac)",
      ac3: "Sound (.ac3)",
      aif: "Sound (.aiff)",
      amr: "Sound (.amr)",
      ape: "Sound (.ape)",
      flac: "Sound (.flac)",
      mid: "Sound (.mid)",
      oga: "Sound (.ogg)",
      ogg: "Sound (.ogg)",
      opus: "Sound (.opus)",
      spx: "Sound (.spx)",
      wav: "Sound (.wav)",
      wv: "Sound (.wv)",
      pdf: "PDF",
      html: "HTML",
      xml: "XML",
      zip: "ZIP archives",
      rar: "RAR archives",
      "7z": "7-Zip archives",
      gz: "Archives (.gz)",
      "tar.gz": "Archives (.tar.gz)",
      tar: "Archives (.tar)",
      docx: "Word documents (.docx)",
      xlsx: "Excel sheets (.xlsx)",
      pptx: "PowerPoint slides (.pptx)",
      odt: "Documents (.odt)",
      rtf: "Documents (.rtf)",
      epub: "E-books (.epub)",
      exe: "Programs (.exe)",
    },
  },
];

/** Extensions of images and videos that are not accepted. */
export const unsupportedMediaExtensions: ReadonlySet<string> = new Set(
  groups.flatMap(({ names, otherExtensions }) =>
    otherExtensions ? [...Object.keys(names), ...otherExtensions] : [],
  ),
);

/**
 * Describes the format of a file that is not accepted and advises what to do instead.
 * @param bytes the first bytes of the file
 * @returns undefined for an unknown format
 */
export async function describeUnsupported(bytes: Uint8Array): Promise<string | undefined> {
  const extension = (await extensionOf(bytes)) ?? "";
  const group = groups.find(({ names }) => Object.hasOwn(names, extension));
  return group && `${group.names[extension]} ${group.advice}`;
}

/** Signatures in lower case of formats that file-type may need later bytes to detect. */
const signatures: readonly (readonly [signature: string, extension: string])[] = [
  ["ii*\0", "tif"],
  ["mm\0*", "tif"],
  ["pk\x03\x04", "zip"],
];

async function extensionOf(bytes: Uint8Array): Promise<string | undefined> {
  const { fileTypeFromBuffer } = await import("file-type");
  const found = await fileTypeFromBuffer(bytes).catch(() => undefined);
  // Packets have 192 bytes in AVCHD and 188 in broadcasts.
  if (found?.mime === "video/mp2t") return bytes[0] === 0x47 && bytes[188] === 0x47 ? "ts" : "m2ts";
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 1024)).trimStart().toLowerCase();
  if (/^(\xef\xbb\xbf)?<(\?xml|!--|!doctype svg|svg)[^]*<?svg[\s>]/.test(text)) return "svg";
  if (/^(\xef\xbb\xbf)?<(!doctype html|html|head|body|script)\b/.test(text)) return "html";
  return found?.ext ?? signatures.find(([signature]) => text.startsWith(signature))?.[1];
}
