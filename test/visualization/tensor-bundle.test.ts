/** What a tensor leaves in the file: size, text, picture. */
import { decode } from "fast-png";
import { describe, expect, test } from "vitest";
import { reservedColors } from "../../src/wire/color.js";
import { viewAsComplex } from "../../src/ops/index.js";
import { isTensorPayload, tensorMime, type TensorPayload } from "../../src/wire/tensor.js";
import type { Tensor } from "../../src/tensor/tensor.js";
import { budget, bundleBytes } from "../../src/visualization/tensor/bundle.js";
import { displayTensor } from "../../src/visualization/tensor/display.js";
import { floats, normal, tensorOf, uniform } from "./tensors.js";

const noise = normal(1);
const flat = uniform(2);

const shown: [string, Tensor, TensorPayload["form"]][] = [
  ["a scalar", floats([], () => 2.5), "text"],
  ["nothing", floats([0, 3], () => 0), "text"],
  ["a small vector", floats([10], noise), "line"],
  ["a small matrix", floats([8, 8], noise), "heatmap"],
  ["a long vector", floats([20_000], noise), "line"],
  ["noise", floats([700, 900], noise), "heatmap"],
  ["a constant", floats([30, 30], () => 3), "heatmap"],
  ["only NaN", floats([30, 30], () => NaN), "heatmap"],
  ["a wide matrix", floats([10, 5000], noise), "heatmap"],
  ["a tall matrix", floats([5000, 3], noise), "heatmap"],
  ["attention", floats([2, 8, 20, 20], flat), "heatmap"],
  ["convolution kernels", floats([128, 64, 3, 3], noise), "heatmap"],
  ["pictures of noise", floats([64, 3, 32, 32], noise), "images"],
  ["grey pictures", floats([100, 1, 28, 28], flat), "images"],
  ["a photograph", floats([3, 256, 256], (i) => ((i % 256) / 256) * Math.sin(i / 9000) ** 2), "images"],
  [
    "bytes with channels last",
    tensorOf(
      [64, 64, 3],
      new Uint8Array(12288).map((_, i) => i),
      "uint8",
    ),
    "images",
  ],
  [
    "truth",
    tensorOf(
      [50, 50],
      new Uint8Array(2500).map((_, i) => Number(i % 3 === 0)),
      "bool",
    ),
    "heatmap",
  ],
  [
    "integers",
    tensorOf(
      [40],
      BigInt64Array.from({ length: 40 }, (_, i) => BigInt(i * i)),
      "int64",
    ),
    "line",
  ],
  ["an outlier of 1e30", floats([200, 200], (i) => (i === 5 ? 1e30 : flat())), "heatmap"],
  ["a few complex numbers", viewAsComplex(floats([3, 4, 2], noise)), "text"],
  ["a complex signal", viewAsComplex(floats([500, 2], noise)), "line"],
  ["a complex field", viewAsComplex(floats([40, 50, 2], noise)), "heatmap"],
];

describe.each(shown)("%s", (_, tensor, form) => {
  const bundle = displayTensor(tensor);
  const payload = bundle.data[tensorMime] as TensorPayload;

  test("stays within its budget", () => {
    expect(bundleBytes(bundle)).toBeLessThanOrEqual(tensor.numel() <= 64 ? budget.small : budget.output);
    expect(JSON.stringify(payload).length).toBeLessThanOrEqual(2048);
  });

  test("has a valid payload, a text and a picture", () => {
    expect(isTensorPayload(JSON.parse(JSON.stringify(payload)))).toBe(true);
    expect(payload.form).toBe(form);
    const text = bundle.data["text/plain"] as string;
    expect(text.endsWith(`\n${payload.summary}`)).toBe(true);
    expect(text.startsWith(String(tensor).slice(0, 3000))).toBe(true);
    const png = decode(Buffer.from(bundle.data["image/png"] as string, "base64"));
    const metadata = bundle.metadata!["image/png"] as { width: number; height: number; alt: string; needs_background: string };
    const zoom = form === "text" ? 1.5 : 2;
    expect([metadata.width, metadata.height]).toEqual([Math.round(png.width / zoom), Math.round(png.height / zoom)]);
    expect(metadata).toMatchObject({ alt: payload.summary, needs_background: "light" });
  });

  test("is the same twice", () => {
    expect(JSON.stringify(displayTensor(tensor))).toBe(JSON.stringify(bundle));
  });
});

test("the lines that describe tensors", async () => {
  const lines = [
    ...shown.map(([, tensor]) => tensor),
    floats([100, 100], (i) => (i === 5050 ? NaN : i === 3 ? Infinity : i === 4 ? -Infinity : i % 2)),
    floats([3], (i) => i - 1).requiresGrad_(),
  ].map((tensor) => (displayTensor(tensor).data[tensorMime] as TensorPayload).summary);
  await expect(lines.join("\n")).toMatchFileSnapshot("golden/summaries.txt");
});

test("complex numbers are summed up by their moduli", () => {
  const z = viewAsComplex(floats([2], (i) => [3, 4][i]!));
  const payload = displayTensor(z.expand(10, 10)).data[tensorMime] as TensorPayload;
  expect(payload.statistics).toMatchObject({ min: 5, max: 5, mean: 5, std: 0, zeros: 0 });
  expect(payload.summary).toBe("complex64 [10, 10] · 800 B · cpu · |z| all 5 · μ 5 σ 0 · 0 NaN");
});

test("one NaN in a million elements is a pixel of its colour", () => {
  const tensor = floats([1000, 1000], (i) => (i === 345_678 ? NaN : Math.sin(i / 5000)));
  const png = decode(Buffer.from(displayTensor(tensor).data["image/png"] as string, "base64"));
  const index = png.palette!.findIndex((color) => reservedColors.nan.every((value, c) => color[c] === value));
  expect(index).toBeGreaterThanOrEqual(0);
  // The cell in the picture and the swatch in the legend.
  expect(Array.from(png.data).filter((pixel) => pixel === index).length).toBeGreaterThan(400);
});

test("limits of colours ignore a few outliers, and say how many they clip", () => {
  const { scale } = displayTensor(shown.find(([name]) => name === "an outlier of 1e30")![1]).data[tensorMime] as TensorPayload;
  expect(scale!.hi).toBeLessThanOrEqual(1);
  expect(scale!.above).toBeGreaterThanOrEqual(1);
  expect(scale!.above).toBeLessThanOrEqual(400);
});
