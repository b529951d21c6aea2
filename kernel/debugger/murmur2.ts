/** MurmurHash2, 32 bits: how JupyterLab names the source of a cell. */

const factor = 0x5bd1e995;

/** The hash of a text's UTF-8 bytes. */
export function murmur2(text: string, seed: number): number {
  const bytes = new TextEncoder().encode(text);
  const whole = bytes.length & ~3;
  const words = new DataView(bytes.buffer);
  let hash = seed ^ bytes.length;
  for (let i = 0; i < whole; i += 4) {
    const word = Math.imul(words.getUint32(i, true), factor);
    hash = Math.imul(hash, factor) ^ Math.imul(word ^ (word >>> 24), factor);
  }
  if (whole < bytes.length) {
    for (let i = bytes.length - 1; i >= whole; i--) hash ^= bytes[i]! << (8 * (i - whole));
    hash = Math.imul(hash, factor);
  }
  hash = Math.imul(hash ^ (hash >>> 13), factor);
  return (hash ^ (hash >>> 15)) >>> 0;
}
