/** Tells T which files changed on disk; it watches none by itself. */
import { existsSync, watch, type FSWatcher } from "node:fs";
import { join } from "node:path";
import { uriOf } from "./server.js";

/** A change as `workspace/didChangeWatchedFiles` names it. */
export interface FileEvent {
  readonly uri: string;
  readonly type: number;
}

const created = 1;
const deleted = 3;

export class FileWatch {
  private readonly watchers = new Map<string, FSWatcher | null>();

  constructor(private readonly onChange: (path: string, events: readonly FileEvent[]) => void) {}

  /** Watches a folder's own files and the names of its packages. */
  add(folder: string): void {
    if (this.watchers.has(folder)) return;
    this.watchers.set(folder, null);
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => name && this.report(join(folder, name)));
      watcher.on("error", () => this.watchers.delete(folder));
      this.watchers.set(folder, watcher);
    } catch {
      // The folder is gone or the system's watches are used up: types of edited files stay as they were.
    }
  }

  close(): void {
    for (const watcher of this.watchers.values()) watcher?.close();
    this.watchers.clear();
  }

  private report(path: string): void {
    const uri = uriOf(path);
    // Whether the file is there for the first time is not known; this serves both.
    const types = existsSync(path) ? [deleted, created] : [deleted];
    this.onChange(
      path,
      types.map((type) => ({ uri, type })),
    );
  }
}
