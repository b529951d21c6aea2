/** `cg.save` and `cg.load`: the format follows the name when writing, the contents when reading. */
import { closeSync, openSync } from "node:fs";
import { ValueError, describe } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import * as safetensors from "./safetensors.js";
import { loadTorch, saveTorch } from "./torch-file.js";
import { readAt } from "./zip.js";

/**
 * Writes tensors to a file, durably: after a crash there is the old file or the new one. A name that ends in `.pt` or `.pth` gives a
 * checkpoint as torch.save writes it (nested objects and arrays of tensors, numbers, strings), any other a safetensors file (tensors by key).
 * @param options.metadata strings to keep in a safetensors file
 * @example save({ model: model.stateDict(), epoch: 3 }, "checkpoint.pt")
 */
export function save(value: unknown, path: string, options: { metadata?: Readonly<Record<string, string>> } = {}): void {
  if (typeof path === "string" && /\.pth?$/.test(path)) saveTorch(value, path);
  else safetensors.save(value as Record<string, Tensor>, path, options);
}

/**
 * Reads a safetensors file or a checkpoint of torch.save. Nothing of a checkpoint is run: it may hold tensors, numbers, strings, lists and
 * dicts (objects here), and anything else is refused.
 * @throws SerializationError for a file that is truncated, overlapping or otherwise not what it says
 * @example model.loadStateDict(load("model.safetensors"))
 */
export function load<T = Record<string, Tensor>>(path: string): T {
  if (typeof path !== "string" || path === "")
    throw new ValueError({ op: "load", argument: "path", expected: "a file name", got: describe(path) });
  return (isZip(path) ? loadTorch(path) : safetensors.load(path)) as T;
}

function isZip(path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return false; // the reader says what is wrong
  }
  try {
    return readAt(fd, 0, 4).toString("latin1") === "PK\x03\x04";
  } catch {
    return false; // a folder
  } finally {
    closeSync(fd);
  }
}
