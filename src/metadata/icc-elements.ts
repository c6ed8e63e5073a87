/** Limit for channels and for elements of a chain; real profiles have fewer. */
const maxChannels = 16;

/** A range of a tag's content that readers use, as offsets into the content. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Cleans the content of an ICC tag whose elements lie at offsets (`mAB `, `mBA `, `mpet`). Bytes that no element uses
 * become zeros, and the content ends after the last element.
 * @returns undefined if the content is malformed or has elements of an unknown type
 */
export function cleanElements(content: Buffer): Buffer | undefined {
  const isMultiProcess = content.toString("latin1", 0, 4) === "mpet";
  const used = isMultiProcess ? multiProcessRanges(content) : lutRanges(content);
  const end = Math.max(...(used ?? []).map(({ to }) => to));
  if (!used || end > content.length) return undefined;
  const clean = Buffer.alloc(Math.ceil(end / 4) * 4);
  for (const { from, to } of used) content.copy(clean, from, from, to);
  return clean;
}

/**
 * Returns the bytes of a `curveType` or `parametricCurveType` (ICC.1:2022 sections 10.6, 10.18); undefined for other
 * types.
 */
export function curveBytes(content: Buffer): number | undefined {
  if (content.length < 12) return undefined;
  const parameters = [1, 3, 4, 5, 7] as const;
  switch (content.toString("latin1", 0, 4)) {
    case "curv":
      return 12 + 2 * content.readUInt32BE(8);
    case "para":
      return 12 + 4 * (parameters[content.readUInt16BE(8)] ?? 0);
    default:
      return undefined;
  }
}

/** `lutAToBType` and `lutBToAType` (ICC.1:2022 sections 10.12 and 10.13). */
function lutRanges(content: Buffer): Range[] | undefined {
  if (content.length < 32) return undefined;
  const [inputs = 0, outputs = 0] = content.subarray(8, 10);
  if (!areChannels(inputs, outputs)) return undefined;
  const isToDevice = content.toString("latin1", 0, 4) === "mBA ";
  const [b = 0, matrix = 0, m = 0, table = 0, a = 0] = [12, 16, 20, 24, 28].map((at) =>
    content.readUInt32BE(at),
  );
  const used: Range[] = [
    { from: 0, to: 4 },
    { from: 8, to: 10 },
    { from: 12, to: 32 },
  ];
  if (matrix > 0) used.push({ from: matrix, to: matrix + 48 });
  if (table > 0) {
    const grid = content.subarray(table, table + inputs);
    const sampleBytes = content[table + 16] ?? 0;
    const cells = [...grid].reduce((product, points) => product * points, outputs);
    used.push(
      { from: table, to: table + inputs },
      { from: table + 16, to: table + 17 },
      { from: table + 20, to: table + 20 + cells * sampleBytes },
    );
  }
  const [deviceChannels, connectionChannels] = isToDevice ? [outputs, inputs] : [inputs, outputs];
  for (const [offset, channels] of [
    [b, connectionChannels],
    [m, connectionChannels],
    [a, deviceChannels],
  ] as const) {
    const curves = offset > 0 ? curveRanges(content, offset, channels) : [];
    if (!curves) return undefined;
    used.push(...curves);
  }
  return used;
}

function curveRanges(content: Buffer, offset: number, count: number): Range[] | undefined {
  const used: Range[] = [];
  let from = offset;
  for (let index = 0; index < count; index++) {
    const length = curveBytes(content.subarray(from));
    if (length === undefined) return undefined;
    used.push({ from, to: from + 4 }, { from: from + 8, to: from + length });
    from += Math.ceil(length / 4) * 4;
  }
  return used;
}

/** `multiProcessElementsType` (ICC.1:2022 section 10.16). */
function multiProcessRanges(content: Buffer): Range[] | undefined {
  if (content.length < 16) return undefined;
  const count = content.readUInt32BE(12);
  if (!areChannels(content.readUInt16BE(8), content.readUInt16BE(10)) || count > maxChannels)
    return undefined;
  const tableEnd = 16 + count * 8;
  if (tableEnd > content.length) return undefined;
  const used: Range[] = [
    { from: 0, to: 4 },
    { from: 8, to: tableEnd },
  ];
  for (let entry = 16; entry < tableEnd; entry += 8) {
    const [offset, length] = [content.readUInt32BE(entry), content.readUInt32BE(entry + 4)];
    if (offset + length > content.length) return undefined;
    const inside = elementRanges(content.subarray(offset, offset + length));
    if (!inside) return undefined;
    for (const { from, to } of inside) used.push({ from: offset + from, to: offset + to });
  }
  return used;
}

/** Curves, matrices and tables of numbers (ICC.1:2022 sections 10.16.2 to 10.16.5). */
function elementRanges(element: Buffer): Range[] | undefined {
  if (element.length < 12) return undefined;
  const [inputs, outputs] = [element.readUInt16BE(8), element.readUInt16BE(10)];
  if (!areChannels(inputs, outputs)) return undefined;
  const type = { from: 0, to: 4 };
  switch (element.toString("latin1", 0, 4)) {
    case "matf":
      return within(element, [type, { from: 8, to: 12 + 4 * (inputs + 1) * outputs }]);
    case "clut": {
      const grid = element.subarray(12, 12 + inputs);
      const cells = [...grid].reduce((product, points) => product * points, outputs);
      return within(element, [type, { from: 8, to: 12 + inputs }, { from: 28, to: 28 + 4 * cells }]);
    }
    case "cvst": {
      const used: Range[] = [type, { from: 8, to: 12 + 8 * inputs }];
      if (12 + 8 * inputs > element.length) return undefined;
      for (let index = 0; index < inputs; index++) {
        const [offset, length] = [element.readUInt32BE(12 + 8 * index), element.readUInt32BE(16 + 8 * index)];
        if (offset + length > element.length) return undefined;
        const inside = segmentedCurveRanges(element.subarray(offset, offset + length));
        if (!inside) return undefined;
        for (const { from, to } of inside) used.push({ from: offset + from, to: offset + to });
      }
      return used;
    }
    default:
      return undefined;
  }
}

/** A curve whose segments are formulas or samples (ICC.1:2022 section 10.16.2.2). */
function segmentedCurveRanges(curve: Buffer): Range[] | undefined {
  if (curve.length < 12 || curve.toString("latin1", 0, 4) !== "curf") return undefined;
  const segments = curve.readUInt16BE(8);
  if (segments === 0) return undefined;
  const used: Range[] = [
    { from: 0, to: 4 },
    { from: 8, to: 10 },
    { from: 12, to: 12 + 4 * (segments - 1) },
  ];
  let from = 12 + 4 * (segments - 1);
  for (let index = 0; index < segments; index++) {
    if (from + 12 > curve.length) return undefined;
    const type = curve.toString("latin1", from, from + 4);
    const kind = curve.readUInt16BE(from + 8);
    if (type === "parf") {
      const to = from + 12 + 4 * (kind === 0 ? 4 : 5);
      used.push({ from, to: from + 4 }, { from: from + 8, to: from + 10 }, { from: from + 12, to });
      from = to;
    } else if (type === "samf") {
      const to = from + 12 + 4 * curve.readUInt32BE(from + 8);
      used.push({ from, to: from + 4 }, { from: from + 8, to });
      from = to;
    } else return undefined;
  }
  return within(curve, used);
}

const within = (bytes: Buffer, ranges: Range[]) =>
  ranges.every(({ to }) => to <= bytes.length) ? ranges : undefined;

const areChannels = (...counts: number[]) => counts.every((count) => count > 0 && count <= maxChannels);
