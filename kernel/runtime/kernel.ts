/** `kernel`: what a cell may ask of the kernel it runs in. */
import { readFileSync } from "node:fs";
import { outputFile } from "./messages.js";
import { installPackages } from "./packages.js";

/** What a cell may ask of the kernel it runs in. */
export interface Kernel {
  /**
   * Installs npm packages next to the notebook, with their types; the next cell can import them.
   *
   * @param packages names as npm takes them: `d3-array`, `d3-array@3`, a folder, a `.tgz` file
   * @throws Error with the reason when npm fails
   * @example await kernel.install("d3-array")
   */
  install(...packages: readonly string[]): Promise<void>;
  /**
   * Everything that a cell has printed, where the notebook shows only its start and its end.
   *
   * @param count the cell's number, 3 of `Cell [3]`
   * @throws RangeError when the output of the cell is shown whole, or belongs to an earlier session
   */
  output(count: number): string;
}

/** `folder` is the notebook's, `outputs` where K keeps what cells print beyond what it shows. */
export function createKernel(folder: string, outputs: string): Kernel {
  return {
    install: (...packages) => installPackages(folder, packages),
    output(count) {
      try {
        return readFileSync(outputFile(outputs, count), "utf8");
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
        throw new RangeError(`kernel.output: there is no more of cell ${count} than the notebook shows`);
      }
    },
  };
}
