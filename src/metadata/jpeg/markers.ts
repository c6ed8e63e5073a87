// Codes of the markers of a JPEG (ITU T.81 table B.1), with the names of that table. A byte of 0xFF precedes each.

export const sof0 = 0xc0;
const sof1 = 0xc1;
export const sof2 = 0xc2;
export const dht = 0xc4;
/** Reserved for extensions, as are the codes from {@link jpg0} to {@link jpg13}. */
export const jpg = 0xc8;
const dac = 0xcc;
export const sof15 = 0xcf;
export const rst0 = 0xd0;
const rst7 = 0xd7;
export const soi = 0xd8;
export const eoi = 0xd9;
export const sos = 0xda;
export const dqt = 0xdb;
export const dnl = 0xdc;
export const dri = 0xdd;
const dhp = 0xde;
export const exp = 0xdf;
export const app0 = 0xe0;
export const app1 = 0xe1;
export const app2 = 0xe2;
export const app14 = 0xee;
export const jpg0 = 0xf0;
export const jpg13 = 0xfd;
export const com = 0xfe;

/** May precede a marker any number of times (section B.1.1.2). */
export const fillByte = 0xff;

/** The marker that ends a picture, with the byte before its code. */
export const endOfImage: readonly number[] = [0xff, eoi];

/** Whether the frame that a marker starts is sequential with Huffman coding, as most photos are. */
export const isSequential = (marker: number): boolean => marker === sof0 || marker === sof1;

/** Whether a marker is a restart marker, which is part of the coded data. */
export const isRestart = (marker: number): boolean => marker >= rst0 && marker <= rst7;

/** Whether a marker starts a frame header: SOFn, or DHP, which has the same layout for a hierarchical picture. */
export const isFrame = (marker: number): boolean =>
  marker === dhp || (marker >= sof0 && marker <= sof15 && marker !== dht && marker !== jpg && marker !== dac);
