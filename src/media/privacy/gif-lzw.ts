const maxCodes = 4096;
const maxCodeBits = 12;

/**
 * Whether the compressed data of an image in a GIF holds all its pixels (GIF89a appendix F). They are counted, not
 * decoded: of each code only the number of pixels that it stands for is known.
 * @param data of its sub-blocks, as far as they go
 * @param minimumCodeBits as the byte in front of them says
 */
export function hasAllPixels(data: Buffer, minimumCodeBits: number, pixels: number): boolean {
  if (minimumCodeBits < 1 || minimumCodeBits >= maxCodeBits) return false;
  const clear = 1 << minimumCodeBits;
  const end = clear + 1;
  const lengths = new Uint32Array(maxCodes).fill(1, 0, clear);
  let [bits, next, previous] = [minimumCodeBits + 1, clear + 2, -1];
  let counted = 0;
  let [waiting, waitingBits] = [0, 0];
  for (const byte of data) {
    waiting |= byte << waitingBits;
    waitingBits += 8;
    while (waitingBits >= bits) {
      const code = waiting & ((1 << bits) - 1);
      waiting >>>= bits;
      waitingBits -= bits;
      if (code === end) return false;
      if (code === clear) {
        [bits, next, previous] = [minimumCodeBits + 1, clear + 2, -1];
        continue;
      }
      if (code > next || (code === next && previous === -1) || (code >= clear && previous === -1))
        return false;
      if (previous !== -1 && next < maxCodes) {
        lengths[next++] = (lengths[previous] as number) + 1;
        if (next === 1 << bits && bits < maxCodeBits) bits++;
      }
      counted += lengths[code] as number;
      if (counted >= pixels) return true;
      previous = code;
    }
  }
  return false;
}
