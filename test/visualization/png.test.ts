/** The PNG writer, read back by an independent decoder. */
import { convertIndexedToRgb, decode } from "fast-png";
import { expect, test } from "vitest";
import { encodePng } from "../../src/visualization/picture/png.js";
import { quantize } from "../../src/visualization/picture/quantize.js";
import { uniform } from "./tensors.js";

test.each([1, 2, 3, 4, 5, 16, 17, 131, 256])("a picture of %i colours reads back pixel for pixel", (colors) => {
  const next = uniform(colors);
  const [width, height] = [37, 23];
  const palette = Uint8Array.from({ length: colors * 3 }, () => Math.floor(next() * 256));
  // Runs and repeated rows, so that both filters are used.
  const pixels = new Uint8Array(width * height).map((_, i) =>
    i % width < 20 ? Math.floor((i % width) / 5) % colors : Math.floor(next() * colors),
  );
  pixels.copyWithin(width, 0, width);
  const decoded = decode(encodePng({ width, height, pixels, palette }));
  expect([decoded.width, decoded.height]).toEqual([width, height]);
  const rgb = convertIndexedToRgb(decoded);
  const expected = Array.from(pixels).flatMap((index) => Array.from(palette.subarray(index * 3, index * 3 + 3)));
  expect(Array.from(rgb).slice(0, 3 * width)).toEqual(expected.slice(0, 3 * width));
  expect(Array.from(rgb)).toEqual(expected);
});

test("few colours stay exact, many are reduced to the limit", () => {
  const few = Uint8Array.from([255, 0, 0, 0, 255, 0, 255, 0, 0]);
  const exact = quantize(few, 3, 4, "mode");
  expect(Array.from(exact.indices, (i) => [...exact.palette.subarray(i * 3, i * 3 + 3)]).flat()).toEqual([...few]);
  const next = uniform(1);
  const many = Uint8Array.from({ length: 3000 }, () => Math.floor(next() * 256));
  const reduced = quantize(many, 3, 32, "mean");
  expect(reduced.palette.length).toBe(96);
  expect(Math.max(...reduced.indices)).toBeLessThan(32);
});
