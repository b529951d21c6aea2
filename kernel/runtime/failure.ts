/** The end of R when the kernel's own code fails in it, as when a cell has replaced what that is made of: better than a cell that never ends. */
import { emit } from "./channel.js";

/** Tells K why, and ends R with everything that cells have started. K starts another and says that variables are gone. */
export function endRuntime(error: unknown): void {
  try {
    emit({ type: "failed", reason: error instanceof Error ? `${error.name}: ${error.message}` : "a value was thrown" });
  } finally {
    process.kill(-process.pid, "SIGKILL");
  }
}
