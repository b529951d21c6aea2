/** Zip archives, as torch.save and numpy.savez write them: read with bounds, written with aligned data. */
import type { TensorFile } from "./tensor-file.js";

/** One entry of an archive. */
export interface Entry {
  readonly name: string;
  readonly start: number;
  /** Bytes in the archive. */
  readonly stored: number;
  /** Bytes of what was put in. */
  readonly size: number;
  readonly deflated: boolean;
  readonly crc: number;
}

/** True for the first bytes of an archive, which may be empty. */
export const isZip = (start: Buffer): boolean => ["504b0304", "504b0506"].includes(start.toString("hex", 0, 4));

// Deflate cannot do better: two bits for 258 bytes.
const mostInflation = 1032;

/**
 * The entries by name.
 * @throws SerializationError for anything but an archive of entries that lie in the file without overlap, stored or deflated
 */
export function readEntries(file: TensorFile): Map<string, Entry> {
  const refuse = (expected: string, got: string): never => file.refuse(expected, got);
  const tailAt = Math.max(0, file.size - 65_557);
  const tail = file.bytes(tailAt, file.size - tailAt);
  const end = tail.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end < 0 || end + 22 > tail.length) return refuse("the end of a zip archive", "a file without it, perhaps cut off");
  let count = tail.readUInt16LE(end + 10);
  let size = tail.readUInt32LE(end + 12);
  let start = tail.readUInt32LE(end + 16);
  if (start === 0xffffffff || count === 0xffff) {
    const locator = end - 20;
    if (locator < 0 || tail.readUInt32LE(locator) !== 0x07064b50) refuse("a zip64 locator", "none");
    const record = file.bytes(Number(tail.readBigUInt64LE(locator + 8)), 56);
    if (record.length < 56 || record.readUInt32LE(0) !== 0x06064b50) refuse("a zip64 record", "something else");
    [count, size, start] = [record.readBigUInt64LE(32), record.readBigUInt64LE(40), record.readBigUInt64LE(48)].map(Number) as [number, number, number]; // prettier-ignore
  }
  if (start + size > file.size || count * 46 > size)
    refuse(`a directory within the file's ${file.size} bytes`, `${size} bytes at ${start}`);
  const directory = file.bytes(start, size);
  const entries = new Map<string, Entry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > size || directory.readUInt32LE(at) !== 0x02014b50) refuse("a directory entry", `other bytes at ${start + at}`);
    const [nameLength, extraLength, commentLength] = [directory.readUInt16LE(at + 28), directory.readUInt16LE(at + 30), directory.readUInt16LE(at + 32)] as const; // prettier-ignore
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > size) refuse("a directory entry within the directory", "a longer one");
    const name = directory.toString("utf8", at + 46, at + 46 + nameLength);
    let [stored, plain, header] = [directory.readUInt32LE(at + 20), directory.readUInt32LE(at + 24), directory.readUInt32LE(at + 42)];
    for (let x = at + 46 + nameLength, last = x + extraLength; x + 4 <= last; x += 4 + directory.readUInt16LE(x + 2)) {
      if (directory.readUInt16LE(x) !== 1) continue;
      let field = x + 4;
      const wide = (value: number): number => {
        if (value !== 0xffffffff || field + 8 > last) return value;
        field += 8;
        return Number(directory.readBigUInt64LE(field - 8));
      };
      plain = wide(plain);
      stored = wide(stored);
      header = wide(header);
    }
    const [flags, method] = [directory.readUInt16LE(at + 8), directory.readUInt16LE(at + 10)] as const;
    if ((flags & 1) !== 0 || (method !== 0 && method !== 8)) refuse(`"${name}" to be stored or deflated`, "another kind of entry");
    if (method === 0 ? stored !== plain : plain > stored * mostInflation) refuse(`"${name}" to have a size that fits its ${stored} bytes`, String(plain)); // prettier-ignore
    const local = file.bytes(header, 30);
    if (local.length < 30 || local.readUInt32LE(0) !== 0x04034b50) refuse(`"${name}" to have a local header`, `other bytes at ${header}`);
    const data = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
    if (data + stored > start) refuse(`"${name}" to lie before the directory`, `${stored} bytes at ${data}`);
    if (entries.has(name)) refuse("names that differ", `"${name}" twice`);
    entries.set(name, { name, start: data, stored, size: plain, deflated: method === 8, crc: directory.readUInt32LE(at + 16) });
    at = next;
  }
  let covered = 0;
  for (const entry of [...entries.values()].sort((a, b) => a.start - b.start)) {
    if (entry.start < covered) refuse(`"${entry.name}" to begin after ${covered}`, `overlapping data at ${entry.start}`);
    covered = entry.start + entry.stored;
  }
  return entries;
}

/** Where the headers of an archive are, while its entries are written one after another. */
export class ZipLayout {
  private readonly directory: Buffer[] = [];
  private at = 0;

  /** The bytes before an entry's data, which then begins at a multiple of 64; `deflated`: the bytes that `size` bytes became. */
  entry(name: string, size: number, crc: number, deflated: number | null = null): Buffer {
    const text = Buffer.from(name, "utf8");
    const stored = deflated ?? size;
    const wide = Math.max(size, stored) >= 0xffffffff || this.at >= 0xffffffff;
    const sizes = Buffer.alloc(wide ? 20 : 0);
    if (wide) {
      sizes.writeUInt16LE(1, 0);
      sizes.writeUInt16LE(16, 2);
      sizes.writeBigUInt64LE(BigInt(size), 4);
      sizes.writeBigUInt64LE(BigInt(stored), 12);
    }
    const before = this.at + 30 + text.length + sizes.length + 4;
    const padding = Buffer.alloc(4 + ((64 - (before % 64)) % 64));
    padding.write("FB", "latin1"); // torch's own name for its padding
    padding.writeUInt16LE(padding.length - 4, 2);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(wide ? 45 : 20, 4);
    header.writeUInt16LE(0x0800, 6);
    header.writeUInt16LE(deflated === null ? 0 : 8, 8);
    header.writeUInt16LE(0x21, 12); // 1980-01-01: the same tensors give the same file
    header.writeUInt32LE(crc, 14);
    header.writeUInt32LE(wide ? 0xffffffff : stored, 18);
    header.writeUInt32LE(wide ? 0xffffffff : size, 22);
    header.writeUInt16LE(text.length, 26);
    header.writeUInt16LE(sizes.length + padding.length, 28);
    const offset = Buffer.alloc(wide ? 28 : 0);
    if (wide) {
      sizes.copy(offset);
      offset.writeUInt16LE(24, 2);
      offset.writeBigUInt64LE(BigInt(this.at), 20);
    }
    const record = Buffer.alloc(46);
    record.writeUInt32LE(0x02014b50, 0);
    record.writeUInt16LE(wide ? 45 : 20, 4);
    header.copy(record, 6, 4, 30);
    record.writeUInt16LE(offset.length, 30);
    record.writeUInt16LE(0, 32);
    record.writeUInt32LE(wide ? 0xffffffff : this.at, 42);
    this.directory.push(record, text, offset);
    this.at += 30 + text.length + sizes.length + padding.length + stored;
    return Buffer.concat([header, text, sizes, padding]);
  }

  /** The directory, after the last entry. */
  end(): Buffer {
    const directory = Buffer.concat(this.directory);
    const count = this.directory.length / 3;
    const wide = Buffer.alloc(76);
    wide.writeUInt32LE(0x06064b50, 0);
    wide.writeBigUInt64LE(44n, 4);
    wide.writeUInt16LE(45, 12);
    wide.writeUInt16LE(45, 14);
    [count, count, directory.length, this.at].forEach((value, i) => wide.writeBigUInt64LE(BigInt(value), 24 + 8 * i));
    wide.writeUInt32LE(0x07064b50, 56);
    wide.writeBigUInt64LE(BigInt(this.at + directory.length), 64);
    wide.writeUInt32LE(1, 72);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(Math.min(count, 0xffff), 8);
    end.writeUInt16LE(Math.min(count, 0xffff), 10);
    end.writeUInt32LE(directory.length, 12);
    end.writeUInt32LE(Math.min(this.at, 0xffffffff), 16);
    return Buffer.concat([directory, ...(this.at >= 0xffffffff || count >= 0xffff ? [wide] : []), end]);
  }
}
