/** Which handles graph nodes keep, so that memory saved for backward can be told from the rest. Costs a store when a tensor is saved. */
import type { Handle } from "../runtime/native.js";

const slotMask = (1 << 21) - 1;
const countBits = 20;
const countMask = (1 << countBits) - 1;

// By slot of the handle: generation above, how many nodes keep it below. A count of an earlier generation is nobody's.
const marks = new Int32Array(1 << 21);

export function markSaved(handle: Handle): void {
  const slot = handle & slotMask;
  const generation = handle >>> 21;
  const mark = marks[slot]!;
  marks[slot] = mark >>> countBits === generation ? mark + 1 : (generation << countBits) | 1;
}

export function unmarkSaved(handle: Handle): void {
  const slot = handle & slotMask;
  const mark = marks[slot]!;
  if (mark >>> countBits === handle >>> 21 && (mark & countMask) > 0) marks[slot] = mark - 1;
}

export function isSaved(handle: Handle): boolean {
  const mark = marks[handle & slotMask]!;
  return mark >>> countBits === handle >>> 21 && (mark & countMask) > 0;
}
