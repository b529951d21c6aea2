/** What a reader of the device panel can have done. */
import type { DeviceActionRequest } from "../../../src/wire/index.js";

export interface Actions {
  readonly act: (action: DeviceActionRequest["action"], device: string, storage?: number) => void;
  /** Goes to a cell: its number, and its id in the notebook where that is known. */
  readonly reveal: (cell: number, cellId: string | null) => void;
  /** False while no kernel could do anything. */
  readonly possible: boolean;
}
