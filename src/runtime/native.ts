/** The addon's exact types: the only description of the native boundary. Everything that crosses it is a number or a typed array. */

/** A native tensor: 21 bits of slot, 10 bits of generation. Negative numbers are a {@link Status}. */
export type Handle = number;

/** ORDER STATUS: native/core/status.h lists the same codes. */
export const Status = {
  ok: 0,
  outOfMemory: -1,
  cancelled: -2,
  staleHandle: -3,
  unsupportedDType: -4,
  invalid: -5,
  needsCopy: -6,
  indexOutOfRange: -7,
  deviceLost: -8,
  noDevice: -9,
  mixedDevices: -10,
  noKernel: -11,
  notCompiled: -12,
  overlap: -13,
} as const;

/** Indices into the shared Int32 words. */
export const Word = { collect: 0, cancel: 1, cell: 2 } as const;

export interface NativeDevice {
  readonly name: string; // "cpu", "opencl:0", "cuda:0", or the kind ("cuda") when absent
  readonly available: boolean;
  readonly reason: string; // why it is absent; "" when available
  readonly description: string; // model, instruction set, threads
}

/**
 * Arguments are positional numbers. `owner` is the JavaScript object whose death frees the new handle (a GC-time finalizer is
 * attached to it inside the same call). `io` is the shared scratch of doubles given to `init`: sizes and lists travel in it.
 * Dtypes and ops are codes: a dtype is its index in ORDER DTYPE, an op its index in `names(family)`.
 */
export interface Native {
  /** Registers the scratch (at least 4096 doubles) and the words (a SharedArrayBuffer view of at least 4). Once per environment. */
  init(io: Float64Array, words: Int32Array): void;
  /** Has every device write its memory figures there (src/wire/gauges.ts), unless another thread has asked before. */
  shareGauges(gauges: Float64Array): void;
  /** True when `owner` objects free handles at GC time; false: the caller registers handles in a FinalizationRegistry. */
  readonly basicFinalizers: boolean;
  /** Row names of a family, in code order. Families: unary, unaryAttr, binary, binaryAttr, ternary, structured. */
  names(family: string): string[];
  /** The C expression of a pointwise row, as another device compiles it. */
  text(family: string, name: string): string;
  /** Four numbers that explain the last negative status, into io[0..3]. */
  failure(): void;

  // -- life
  /** io: sizes. Uninitialised, contiguous. */
  empty(dtype: number, device: number, rank: number, owner: object): Handle;
  /** io: sizes. Copies `data` (its element type must be the dtype's storage type). */
  fromBuffer(dtype: number, rank: number, data: ArrayBufferView, owner: object): Handle;
  release(handle: Handle): void;
  /** Copies the elements, in row-major order, into `data`. */
  toBuffer(handle: Handle, data: ArrayBufferView): number;
  /** The element of a one-element tensor as a double in io[0] (complex: io[0], io[1]). */
  item(handle: Handle): number;
  itemBigInt(handle: Handle): bigint;
  /** io: rank, offset, numel, storage bytes, version, storage id, device, dtype, address; then sizes, then strides. Returns rank. */
  info(handle: Handle): number;
  version(handle: Handle): number;
  bumpVersion(handle: Handle): number;
  isContiguous(handle: Handle): number; // 0 or 1

  // -- memory that is not the allocator's
  /** io: sizes. The elements of `data` where they are; the view keeps `data` alive. */
  borrow(dtype: number, rank: number, data: ArrayBufferView, owner: object): Handle;
  /** Moves the storage, with all its views, into `data` of at least its size. */
  moveInto(handle: Handle, data: ArrayBufferView): number;

  // -- contiguous tensors of the CPU in files. Answers are 0, a positive errno, or a status.
  /** Fills a tensor from a position of a file; invalid where the file ends too early. */
  readFile(handle: Handle, fd: number, position: number): number;
  /** Writes the bytes of a tensor where the file stands. */
  writeFile(handle: Handle, fd: number): number;
  /**
   * io: sizes. A tensor over a stretch of a file: read when it is looked at, copied page by page when it is written to.
   * invalid where the file ends too early, needsCopy where it cannot be mapped (the position is not aligned).
   */
  mapFile(dtype: number, rank: number, fd: number, position: number, owner: object): Handle;
  /** The CRC-32 of the bytes of a tensor, continuing one (0 to begin). */
  checksum(handle: Handle, before: number): number;

  // -- views (share storage). All lists are in io.
  /** io: sizes. copy 0: needsCopy when no view fits; 1: a contiguous copy then. */
  reshape(handle: Handle, rank: number, copy: number, owner: object): Handle;
  /** io: dims. */
  permute(handle: Handle, rank: number, owner: object): Handle;
  /** io: sizes, leading dims may be added. */
  expand(handle: Handle, rank: number, owner: object): Handle;
  slice(handle: Handle, dim: number, start: number, length: number, step: number, owner: object): Handle;
  select(handle: Handle, dim: number, index: number, owner: object): Handle;
  /** io: sizes, strides, offset (in elements of the storage). */
  asStrided(handle: Handle, rank: number, owner: object): Handle;
  /** io: sizes, strides, offset (in elements of `dtype`): the same bytes, read as another dtype. */
  reinterpret(handle: Handle, dtype: number, rank: number, owner: object): Handle;

  // -- pointwise. Inputs of another dtype are converted to `dtype`, the dtype of the computation; shapes broadcast.
  // The result has that dtype, or bool for rows declared as predicates.
  unary(op: number, a: Handle, dtype: number, owner: object): Handle;
  unaryAttr(op: number, a: Handle, p0: number, p1: number, dtype: number, owner: object): Handle;
  binary(op: number, a: Handle, b: Handle, dtype: number, owner: object): Handle;
  /** scalarFirst 1: op(scalar, a). */
  binaryScalar(op: number, a: Handle, scalar: number, scalarFirst: number, dtype: number, owner: object): Handle;
  /** p0 and p1 are the row's scalars (alpha, slope), if it has them. */
  binaryAttr(op: number, a: Handle, b: Handle, p0: number, p1: number, dtype: number, owner: object): Handle;
  /** `where` reads its first input as bool whatever `dtype` is. p0 is the row's scalar (alpha, value), if it has one. */
  ternary(op: number, a: Handle, b: Handle, c: Handle, p0: number, dtype: number, owner: object): Handle;
  // The same into an existing tensor, whose dtype may differ from the computation's (the result is converted). Bumps its version.
  unaryInto(op: number, a: Handle, dtype: number, out: Handle): number;
  unaryAttrInto(op: number, a: Handle, p0: number, p1: number, dtype: number, out: Handle): number;
  binaryInto(op: number, a: Handle, b: Handle, dtype: number, out: Handle): number;
  binaryScalarInto(op: number, a: Handle, scalar: number, scalarFirst: number, dtype: number, out: Handle): number;
  binaryAttrInto(op: number, a: Handle, b: Handle, p0: number, p1: number, dtype: number, out: Handle): number;
  ternaryInto(op: number, a: Handle, b: Handle, c: Handle, p0: number, dtype: number, out: Handle): number;
  /** Adds a row of a person's own: an expression in x, in a and b, or in a, b and c. Returns its code. */
  addRow(text: string, inputs: number): number;
  /** io: handles of the inputs. noKernel where the device compiles no texts. */
  custom(row: number, nIn: number, dtype: number, owner: object): Handle;
  /** Adds a kernel of a person's own, whose numbers are `i` (i64) or `T`. Returns its code. */
  addText(text: string, kinds: string): number;
  /** io: handles of the inputs and of the output, then the numbers; `out` is the output again. noKernel where the device has no such kernel. */
  runText(code: number, tensors: number, numbers: number, out: Handle): number;
  cast(a: Handle, dtype: number, owner: object): Handle;
  /** A fresh contiguous copy (torch's clone). */
  clone(a: Handle, owner: object): Handle;
  /** `a` itself, as a new handle of the same storage, when contiguous; else a contiguous copy. */
  contiguous(a: Handle, owner: object): Handle;
  /** Broadcasts and converts `src` into `dst`. Bumps dst's version. `later`: 1 as in {@link toDevice}, plus 2 to refuse memory that both share in part. */
  copyInto(dst: Handle, src: Handle, later?: number): number;
  fill(dst: Handle, value: number): number;
  fillBigInt(dst: Handle, value: bigint): number;
  /** later 1: between a device and pinned memory the host goes on before the copy is over; what comes to the host is pinned then. */
  toDevice(a: Handle, device: number, later: number, owner: object): Handle;

  // -- structured kernels (native/kernels/structured.def)
  /**
   * io in: nIn input handles; for each output: dtype, rank, sizes...; then nAttr attributes.
   * io out: nOut handles in io[0..]. Returns a status. The outputs live on the device of the first input, or on `device`.
   */
  run(
    kernel: number,
    nIn: number,
    nOut: number,
    nAttr: number,
    device: number,
    owner0: object,
    owner1?: object,
    owner2?: object,
    owner3?: object,
  ): number;
  /** io in: nIn input handles, nOut output handles, nAttr attributes. Writes into the outputs and bumps their versions. */
  runInto(kernel: number, nIn: number, nOut: number, nAttr: number): number;

  // -- recordings: what runs between traceBegin and traceEnd becomes plans, each run again by one call (native/graph)
  /** io: handles of the arguments that every run brings. */
  traceBegin(count: number): number;
  /** The next structured launch takes `count` attributes from `first` on from the numbers given to each run. */
  traceFresh(first: number, count: number): number;
  /** Why no plan can be made of the trace; "" when one can. */
  traceRefusal(): string;
  /** What follows becomes a plan of its own: the backward pass. */
  traceSplit(): void;
  /**
   * io in: handles of results, of what stands for the second plan's incoming gradients, and of its results. Returns the first plan;
   * io out: the second plan or -1, the number of storages that the first hands to it after its results, their bytes. -1: no plan.
   */
  traceEnd(results: number, incoming: number, outgoing: number): number;
  /** io: handles. 1 when they are laid out as in the trace. */
  planFits(plan: number, count: number): number;
  /**
   * io in: handles of the arguments (of a second plan: also what the first saved, and the gradients), then fresh numbers; out: handles.
   */
  planRun(plan: number, count: number, numbers: number, owners: readonly object[]): number;
  /** A line a launch. */
  planText(plan: number): string;
  planRelease(plan: number): void;

  // -- devices, memory, threads
  /** In the order of their codes, which stay; only the CPU until {@link findDevices} or {@link addDevice}. */
  devices(): NativeDevice[];
  /** Looks for OpenCL and CUDA, once. */
  findDevices(): void;
  /** Adds the device of a shared library; answers why it could not, or "". */
  addDevice(path: string): string;
  /** What a device's compiler said about the text that it refused last. */
  compileLog(): string;
  /** How often kernels ran on the CPU because a device has none: of all devices, and by kernel. */
  fallbackTotal(): number;
  fallbacks(device: number): Record<string, number>;
  allowFallbacks(allowed: number): void;
  /** Whether products of float32 by a maker's library may round their inputs to TF32. */
  allowTf32(allowed: number): void;
  /** io: live bytes, cached bytes, peak live bytes, cap (0: none), live tensors, allocations, cache hits, collections asked for, bytes of the device. */
  memory(device: number): number;
  /** Bytes of the device that nobody has, of the host those that can still be written to; -1 when the device does not say. */
  available(device: number): number;
  /** Of each storage: id, address, bytes, age in ms, cell, tensors, then dtype, rank and sizes of its largest tensor, then their handles. */
  storages(device: number): Float64Array;
  /** Of each stretch of a device's segments: address, bytes, address of the segment, 1 when live. Empty for the CPU. */
  stretches(device: number): Float64Array;
  setMemoryCap(device: number, bytes: number): void;
  emptyCache(device: number): void;
  resetPeak(device: number): void;
  /** Bytes of new allocations after which the allocator asks for a minor GC by setting words[Word.collect] to 1. */
  setCollectBudget(bytes: number): void;
  /** Tells the allocator that a GC ran (major 1 or minor 0), so that it can adapt the budget. */
  collected(major: number): void;
  /** Waits for the work of a stream, or of all (-1). */
  synchronize(device: number, stream: number): number;
  /** A stream of a device by its number; 0 is always there, and the only one of a device without streams. */
  openStream(device: number): number;
  /** Work of this thread on the device goes there from now on. */
  useStream(device: number, stream: number): void;
  /** The tensor's memory is not given away before what the stream has been asked so far is done. */
  recordStream(handle: Handle, stream: number): number;
  /** A mark behind the work of a stream, as a small integer; 1 from queryEvent: over. elapsedEvents: nanoseconds into io[0]. */
  recordEvent(device: number, stream: number): number;
  queryEvent(event: number): number;
  /** Waits, and lets an interrupt through. */
  waitEvent(event: number): number;
  /** Later work of the stream comes after the event. */
  streamWaitEvent(event: number, stream: number): number;
  elapsedEvents(from: number, to: number): number;
  forgetEvent(event: number): void;

  // -- memory of one purpose
  /** The number of a fresh pool, from 1 on. Tensors of its device are made in the pool that is in use; 0: in none. */
  openPool(device: number): number;
  usePool(device: number, pool: number): void;
  /** Its memory goes back to the driver when its last tensor is gone. */
  closePool(pool: number): void;
  /** io: live bytes, cached bytes, peak live bytes, allocations. */
  poolMemory(pool: number): number;
  /** A contiguous copy of a tensor of the CPU in host memory that `device` pins; noDevice where it pins none. */
  pin(handle: Handle, device: number, owner: object): Handle;
  isPinned(handle: Handle): number; // 0 or 1

  /** Has C's standard library write out what native code has printed. */
  flushOutput(): void;
  threads(): number;
  setThreads(n: number): void;
}
