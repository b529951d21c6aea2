/** Tensors of every form, with everything that has gone wrong in a tensor view before. */
import { answerTensor } from "../../src/visualization/tensor/answers.js";
import { tensorBundle } from "../../src/visualization/tensor/bundle.js";
import { tensorMime, type LiveRef, type TensorPayload } from "../../src/wire/index.js";
import { arrayElements } from "../visualization/array-elements.js";
import type { GalleryItem } from "./item.js";
import { normal, uniform } from "./random.js";

/** Values as a function of the full index. */
type At = (index: readonly number[]) => number;

export function tensorItems(): GalleryItem[] {
  const noise = normal(1);
  const share = uniform(2);
  return [
    item("matrix, numbers", [6, 8], () => noise()),
    item("integers", [4, 4], ([i, j]) => i! * 4 + j!, "int64"),
    item(
      "attention, 4-D with sliders",
      [2, 8, 48, 48],
      ([b, h, q, k]) => Math.exp(-(((q! - k!) / (3 + 2 * h! + b!)) ** 2)) * (0.7 + 0.3 * share()),
    ),
    item("weights", [128, 784], ([i, j]) => noise() * (0.02 + 0.05 * Math.exp(-(((j! % 28) - 14) ** 2) / 40)) * (1 + (i! % 3))),
    item("waves with NaN and Inf", [240, 320], ([i, j]) =>
      i === 120 && j === 200
        ? NaN
        : i === 40 && j === 40
          ? Infinity
          : i === 200 && j === 60
            ? -Infinity
            : Math.sin(i! / 18) * Math.cos(j! / 25),
    ),
    item("small with NaN", [5, 5], ([i, j]) => (i === 2 && j === 3 ? NaN : i === 4 && j === 0 ? -Infinity : i! - j! / 3)),
    item("mask", [24, 40], ([i, j]) => Number((i! - 12) ** 2 + ((j! - 20) / 1.6) ** 2 < 90), "bool"),
    item("images, a batch of 3 channels", [48, 3, 24, 24], ([n, c, y, x]) => {
      const [cy, cx] = [12 + 6 * Math.sin(n!), 12 + 6 * Math.cos(n! * 1.7)];
      return Math.max(
        0,
        Math.min(1, Math.exp(-((y! - cy) ** 2 + (x! - cx) ** 2) / 30) + 0.25 * Math.sin((c! + 1) * (x! + n!) * 0.12) + 0.2),
      );
    }),
    item("digits, 1 channel", [12, 1, 28, 28], ([n, , y, x]) =>
      Math.max(0, 1 - Math.abs(Math.hypot(y! - 14, x! - 14) - 4 - (n! % 6)) / 1.6),
    ),
    item("line", [512], ([i]) => Math.sin(i! / 24) * Math.exp(-i! / 300) + 0.03 * noise()),
    item("line with gaps", [40], ([i]) => (i === 11 ? NaN : i === 30 ? Infinity : Math.sqrt(i!))),
    item("scalar", [], () => Math.PI),
    item("empty", [0, 3], () => 0),
    { ...item("stored, no kernel", [64, 64], ([i, j]) => Math.sin((i! * j!) / 90), "float32", false) },
  ];
}

function item(name: string, shape: readonly number[], at: At, dtype = "float32", live = true): GalleryItem {
  const count = shape.reduce((product, size) => product * size, 1);
  const data = Float64Array.from({ length: count }, (_, flat) => Math.fround(at(unravel(flat, shape))));
  const elements = arrayElements(shape, data, dtype);
  const reference: LiveRef | null = live ? { session: "gallery", id: name } : null;
  const identity = { device: "cpu", bytes: count * 4, requiresGrad: false, gradFn: null, tensorVersion: 0, live: reference };
  const printed = count <= 1 ? `tensor(${count === 1 ? data[0]!.toPrecision(5) : "[]"})` : "tensor(...)";
  const bundle = tensorBundle(elements, identity, printed);
  const payload = bundle.data[tensorMime] as TensorPayload;
  return live
    ? { name, bundle, answer: (request) => answerTensor({ elements, tensorVersion: 0, payload: () => payload }, request) }
    : { name, bundle };
}

export function base64(array: Float64Array | Float32Array | Uint16Array | Uint8Array): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");
}

function unravel(flat: number, shape: readonly number[]): number[] {
  const index = shape.map(() => 0);
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    index[dim] = flat % shape[dim]!;
    flat = Math.floor(flat / shape[dim]!);
  }
  return index;
}
