/** The documents that cells are written into, opened ahead: a document that is new to T makes it put its whole program together again. */
import { join } from "node:path";
import { cellPrefix } from "./project.js";

/** The global names by which cells reach each other start with this. */
export const aliasPrefix = "cellgrad_cell_";
const self = "cellgrad_cell";

/** A document for one cell. Its number and its imports never change while it is open. */
export interface Slot {
  readonly number: number;
  readonly path: string;
}

export class Slots {
  private readonly free: Slot[] = [];
  private count = 0;

  constructor(
    private readonly folder: string,
    private extension: "ts" | "tsx",
    private readonly open: (path: string, text: string) => void,
    private readonly close: (path: string) => void,
  ) {}

  /** How many cells can come before a document must be opened for one. */
  get spare(): number {
    return this.free.length;
  }

  /** A document to write a cell into. */
  take(): Slot {
    return this.free.shift() ?? this.create();
  }

  /** A document for a cell that is being typed: of those kept for cells that run, half stay. */
  lend(kept: number): Slot {
    return this.free.length > kept ? this.take() : this.create();
  }

  /** Takes a document back; what stands in it is written over by the next cell. */
  give(slot: Slot): void {
    if (slot.path.endsWith(this.extension)) this.free.unshift(slot);
    else this.close(slot.path);
  }

  /** Opens one more. */
  add(): Slot {
    const slot = this.create();
    this.open(slot.path, `export{};${globalAlias(slot)}`);
    this.free.push(slot);
    return slot;
  }

  /** From now on cells hold JSX, or do no longer. */
  use(extension: "ts" | "tsx"): void {
    if (extension === this.extension) return;
    this.extension = extension;
    for (const { path } of this.free.splice(0)) this.close(path);
  }

  private create(): Slot {
    const number = ++this.count;
    return { number, path: join(this.folder, `${cellPrefix}${number}.${this.extension}`) };
  }
}

/** Makes a module known by a global name, so that others reach it without an import of their own: imports that change cost T a new program. */
export function globalAlias({ number }: Slot): string {
  return `import*as ${self} from"./${cellPrefix}${number}";declare global{export import ${aliasPrefix}${number}=${self};}`;
}
