/** Writes indexed PNG files: at most 256 colours, the fewest bits a pixel, filtered and deflated to be small in a notebook. */
import { crc32, deflateSync } from "node:zlib";

/** A picture of palette indices; `palette` holds RGB triples. */
export interface IndexedImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly palette: Uint8Array;
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Encodes an indexed picture as a PNG file (W3C PNG, colour type 3). */
export function encodePng(image: IndexedImage): Buffer {
  const colors = image.palette.length / 3;
  const depth = colors <= 2 ? 1 : colors <= 4 ? 2 : colors <= 16 ? 4 : 8;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(image.width, 0);
  header.writeUInt32BE(image.height, 4);
  header.set([depth, 3, 0, 0, 0], 8);
  const rows = pack(image, depth);
  // Pictures with text do best when every row is coded by its difference, blocks of noise when only repeated rows are: a quick try tells.
  const filtered = [filter(rows, image.height, 0), filter(rows, image.height, 1)] as const;
  const [up, mixed] = filtered.map((data) => deflateSync(data, { level: 3 }).length) as [number, number];
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("PLTE", image.palette),
    chunk("IDAT", deflateSync(filtered[up < mixed ? 0 : 1], { level: 9 })),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

function pack({ width, height, pixels }: IndexedImage, depth: number): Uint8Array {
  if (depth === 8) return pixels;
  const perByte = 8 / depth;
  const stride = Math.ceil(width / perByte);
  const packed = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      packed[y * stride + Math.floor(x / perByte)]! |= pixels[y * width + x]! << (8 - depth * ((x % perByte) + 1));
    }
  }
  return packed;
}

// A row of which at least the share `alike` equals the row above is coded as difference (PNG filter 2, "up"), others as they are (0).
function filter(rows: Uint8Array, height: number, alike: 0 | 1): Uint8Array {
  const stride = rows.length / height;
  const out = new Uint8Array(rows.length + height);
  out.set(rows.subarray(0, stride), 1);
  for (let y = 1; y < height; y++) {
    const [from, to] = [y * stride, y * (stride + 1)];
    let same = 0;
    for (let x = from; x < from + stride; x++) if (rows[x] === rows[x - stride]) same++;
    if (same < alike * stride) {
      out.set(rows.subarray(from, from + stride), to + 1);
      continue;
    }
    out[to] = 2;
    for (let x = 0; x < stride; x++) out[to + 1 + x] = rows[from + x]! - rows[from + x - stride]!;
  }
  return out;
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
