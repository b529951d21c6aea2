/** Reads IDX files (the format of MNIST), plain or gzipped. Source: yann.lecun.com/exdb/mnist. */
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { SerializationError } from "../../tensor/errors.js";
import type { Tensor } from "../../tensor/tensor.js";
import { fromTypedArray } from "../../ops/creation.js";

/** The first file among `candidates` that exists, as a uint8 tensor of the shape it states. */
export function readIdx(op: string, candidates: readonly string[], hint: string): Tensor {
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new SerializationError({ op, expected: `one of ${candidates.join(", ")}`, got: "no such file", hint });
  const raw = readFileSync(path);
  const bytes = raw[0] === 0x1f && raw[1] === 0x8b ? gunzipSync(raw) : raw;
  const refuse = (expected: string, got: string): never => {
    throw new SerializationError({ op, argument: path, expected, got });
  };
  if (bytes.length < 8 || bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 8) refuse("an IDX file of bytes", "another header");
  const rank = bytes[3]!;
  if (rank < 1 || rank > 4 || bytes.length < 4 + 4 * rank) refuse("1 to 4 dims", String(rank));
  const shape = Array.from({ length: rank }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const data = bytes.subarray(4 + 4 * rank);
  const numel = shape.reduce((n, size) => n * size, 1);
  if (data.length !== numel) refuse(`${numel} bytes of data`, String(data.length));
  return fromTypedArray(new Uint8Array(data), shape);
}
