/** Where a person's code called the library: the first line of a stack that is not ours. */

const frame = /:\d+:\d+\)?$/;
const ours = /[\\/](build[\\/]js[\\/])?src[\\/](ops|tensor|autograd|nn|optim|special|linalg|fft|utils)[\\/]/;

/** Remembers the calls under way. The stack is written out only if somebody asks: formatting it costs more than most ops. */
export function placeOf(what: string): Error {
  const before = Error.stackTraceLimit;
  // Modules within modules put more than V8's ten frames between a person's line and an op.
  Error.stackTraceLimit = 60;
  const place = new Error(what);
  Error.stackTraceLimit = before;
  return place;
}

/** `at f (cell://7:2:3)`, or null when nobody else is on the stack. In a cell the kernel writes it as `Cell [5]:2:3`. */
export function callerOf(place: Error): string | null {
  const lines = place.stack?.split("\n") ?? [];
  return lines.find((line) => frame.test(line) && !ours.test(line))?.trim() ?? null;
}
