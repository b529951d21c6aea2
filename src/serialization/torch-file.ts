/** Checkpoints of torch.save: a zip archive with a pickle of the structure and one entry a storage. */
import { crc32 } from "node:zlib";
import { io, native } from "../runtime/addon.js";
import { codeOf, elementSize, type DType } from "../tensor/dtype.js";
import { SerializationError, describe } from "../tensor/errors.js";
import { made } from "../tensor/launch.js";
import { Tensor, tagOf } from "../tensor/tensor.js";
import { Parameter } from "../nn/parameter.js";
import { writeDurably } from "./durable.js";
import { PickledCall, PickledGlobal, PickledReference, PickledTuple, pickle, unpickle } from "./pickle.js";
import type { TensorFile } from "./tensor-file.js";
import { ZipLayout, type Entry } from "./zip.js";

const storages: Record<DType, string> = {
  bool: "BoolStorage", uint8: "ByteStorage", int8: "CharStorage", int16: "ShortStorage", int32: "IntStorage", int64: "LongStorage",
  float16: "HalfStorage", bfloat16: "BFloat16Storage", float32: "FloatStorage", float64: "DoubleStorage", complex64: "ComplexFloatStorage",
  complex128: "ComplexDoubleStorage",
}; // prettier-ignore
const codes = new Map(Object.entries(storages).map(([dtype, name]) => [`torch.${name}`, codeOf[dtype as DType]]));
const callables = new Set([
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_parameter",
  "collections.OrderedDict",
  "collections.Counter",
  "torch.Size",
  "torch.device",
]);

/** Reads a checkpoint without running anything of it: tensors, numbers, strings, lists and dicts of them. */
export function readTorch(file: TensorFile, entries: ReadonlyMap<string, Entry>, mmap: boolean): unknown {
  const refuse = (expected: string, got: string): never => file.refuse(expected, got);
  const main = [...entries.keys()].find((name) => name.endsWith("/data.pkl")) ?? refuse("an archive of torch.save", "one without data.pkl");
  if ([...entries.values()].some(({ deflated }) => deflated)) refuse("stored entries", "compressed ones");
  const folder = main.slice(0, -"data.pkl".length);
  const order = entries.get(`${folder}byteorder`);
  if (order && file.bytes(order.start, Math.min(order.size, 16)).toString() !== "little") refuse("little-endian data", "big-endian data");
  const loaded = new Map<string, Tensor>();

  const persistent = (id: unknown): Tensor => {
    const [kind, dt, key, , numel] = (Array.isArray(id) ? id : []) as [unknown, unknown, unknown, unknown, unknown];
    if (kind !== "storage" || typeof dt !== "number" || typeof key !== "string") return refuse("a reference to a storage", describe(id));
    const known = loaded.get(key);
    if (known) return known.dt === dt ? known : refuse(`storage ${key} to have one dtype`, "two");
    const entry: Entry = entries.get(`${folder}data/${key}`) ?? refuse(`storage ${key} in the archive`, "none");
    if (!Number.isSafeInteger(numel) || (numel as number) * elementSize[dt]! !== entry.size)
      refuse(`${String(numel)} elements in storage ${key}`, `${entry.size} bytes`);
    const t = file.tensor(key, [numel as number], dt, entry.start, mmap);
    loaded.set(key, t);
    return t;
  };
  const rebuild = ([storage, offset, shape, stride, requiresGrad, , metadata]: readonly unknown[]): Tensor => {
    const whole = (list: unknown): list is number[] =>
      Array.isArray(list) && list.length <= 16 && list.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!(storage instanceof Tensor) || !whole(shape) || !whole(stride) || !whole([offset]) || shape.length !== stride.length)
      return refuse("a tensor's storage, offset, shape and strides", describe([offset, shape, stride]));
    const last = shape.includes(0) ? -1 : shape.reduce((at, n, i) => at + (n - 1) * stride[i]!, offset as number);
    if (last >= storage.numel() || !Number.isSafeInteger(shape.reduce((n, size) => n * size, 1)))
      return refuse(`elements within the ${storage.numel()} of the storage`, String(last));
    const t = made("load", shape, storage.dt, 0, [storage], (owner) => {
      [...shape, ...stride, shape.includes(0) ? 0 : (offset as number)].forEach((value, i) => (io[i] = value));
      return native.asStrided(storage.handle, shape.length, owner);
    });
    t.tag = tagOf(storage);
    const { conj, neg } = (metadata ?? {}) as { conj?: unknown; neg?: unknown }; // torch stores these unapplied
    const conjugate = conj === true ? (t.conj() as Tensor) : t;
    const out = neg === true ? conjugate.neg() : conjugate;
    return requiresGrad === true ? out.requiresGrad_() : out;
  };
  const call = (target: unknown, args: readonly unknown[]): unknown => {
    if (target === "torch._utils._rebuild_tensor_v2") return rebuild(args);
    if (target === "torch._utils._rebuild_parameter" && args[0] instanceof Tensor) return new Parameter(args[0], args[1] === true);
    if (target === "torch.device" || target === "torch.Size") return args[0];
    if (target === "collections.Counter") return args[0] ?? {};
    if (target !== "collections.OrderedDict") return refuse("calls that checkpoints make", describe(target));
    return Object.fromEntries(((args[0] ?? []) as unknown[]).map((pair) => pair as [string, unknown]));
  };
  const global = (name: string): unknown => {
    const dtype = name.startsWith("torch.") ? name.slice(6) : "";
    return codes.get(name) ?? (callables.has(name) ? name : Object.hasOwn(codeOf, dtype) ? dtype : undefined);
  };
  const { start, size } = entries.get(main)!;
  try {
    return unpickle(file.bytes(start, size), file.path, { global, call, persistent });
  } catch (error) {
    if (error instanceof SerializationError || !(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new SerializationError({ op: "load", argument: file.path, expected: "a checkpoint", got: error.message }, error);
  }
}

/** Writes a checkpoint that torch.load reads with weights_only: plain objects and arrays of tensors, numbers, strings, booleans, null. */
export function saveTorch(value: unknown, path: string): void {
  const written = new Map<string, { readonly key: string; readonly data: Tensor }>();
  const storageOf = (t: Tensor): { readonly key: string; readonly data: Tensor } => {
    native.info(t.live("save"));
    const numel = Math.floor(io[3]! / t.elementSize());
    const id = `${io[5]} ${t.dt}`;
    const known = written.get(id);
    if (known) return known;
    const data = made("save", [numel], t.dt, 0, [t], (owner) => {
      [numel, 1, 0].forEach((n, i) => (io[i] = n));
      return native.asStrided(t.handle, 1, owner);
    });
    const entry = { key: String(written.size), data };
    written.set(id, entry);
    return entry;
  };
  const ordered = new PickledCall("collections.OrderedDict", []);
  const encode = (x: object, place: string): unknown => {
    if (!(x instanceof Tensor))
      throw new SerializationError({ op: "save", argument: place, expected: "tensors, numbers, strings, arrays and plain objects", got: describe(x) }); // prettier-ignore
    const t = x.dev === 0 ? x : x.detach().to("cpu");
    const { key, data } = storageOf(t);
    const reference = new PickledReference(
      new PickledTuple(["storage", new PickledGlobal(`torch.${storages[t.dtype]}`), key, "cpu", data.numel()]),
    );
    const parameter = x instanceof Parameter;
    const tensor = new PickledCall("torch._utils._rebuild_tensor_v2", [
      reference, t.storageOffset(), new PickledTuple(t.shape), new PickledTuple(t.stride()), !parameter && x.requiresGrad && x.isLeaf, ordered,
    ]); // prettier-ignore
    return parameter ? new PickledCall("torch._utils._rebuild_parameter", [tensor, x.requiresGrad, ordered]) : tensor;
  };
  const structure = pickle(value, encode);
  const zip = new ZipLayout();
  writeDurably(path, (function* chunks() {
    const small: [string, Buffer][] = [
      ["data.pkl", structure], [".format_version", Buffer.from("1")], [".storage_alignment", Buffer.from("64")],
      ["byteorder", Buffer.from("little")], ["version", Buffer.from("3\n")],
    ]; // prettier-ignore
    for (const [name, data] of small) {
      yield zip.entry(`archive/${name}`, data.length, crc32(data));
      yield data;
    }
    for (const { key, data } of written.values()) {
      yield zip.entry(`archive/data/${key}`, data.nbytes, native.checksum(data.handle, 0));
      yield data;
    }
    yield zip.end();
  })()); // prettier-ignore
}
