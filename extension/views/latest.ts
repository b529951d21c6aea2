/** Keeps at most one asynchronous task running and remembers only the latest request to run it again. */

/** Runs `task` now, or once more after the run in progress: calls in between are merged into one. */
export function latest(task: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    running = true;
    try {
      do {
        again = false;
        await task();
      } while (again);
    } finally {
      running = false;
    }
  };
  return () => {
    if (running) again = true;
    else void run();
  };
}
