/** Direct writes to descriptors 1 and 2, by this thread or a child it waits for: K is told, so that their text keeps its place among console's. */
import childProcess, { type ChildProcess } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { activeCell } from "./cells.js";
import { flush, noteDirectWrite } from "./channel.js";

type AnyFunction = (...args: unknown[]) => unknown;

/** What each of these calls has written to stdout and stderr is shown before anything that is said later. */
export function markDirectWrites(): void {
  const toStandard = ([file]: unknown[]) => file === 1 || file === 2;
  for (const name of ["writeSync", "writevSync", "writeFileSync", "appendFileSync"]) mark(fs, name, toStandard);
  for (const name of ["spawnSync", "execSync", "execFileSync"]) mark(childProcess, name, () => true);
  syncBuiltinESMExports();
  followChildren();
}

/** Notes the processes that a cell starts with the cell; text that waits is theirs to follow. */
function followChildren(): void {
  const { prototype } = childProcess.ChildProcess as unknown as { prototype: ChildProcess & { spawn: AnyFunction } };
  const spawn = prototype.spawn;
  prototype.spawn = function (this: ChildProcess, ...args) {
    flush();
    const children = activeCell.getStore()?.children;
    children?.add(this);
    this.once("exit", () => children?.delete(this));
    return spawn.apply(this, args);
  };
}

function mark(module: object, name: string, writes: (args: unknown[]) => boolean): void {
  const functions = module as Record<string, AnyFunction>;
  const original = functions[name]!;
  const marked = function (this: unknown, ...args: unknown[]): unknown {
    const direct = writes(args);
    if (direct) flush();
    try {
      return original.apply(this, args);
    } finally {
      if (direct) noteDirectWrite();
    }
  };
  Object.defineProperties(marked, Object.getOwnPropertyDescriptors(original));
  functions[name] = marked;
}
