/** What the tensor view offers to the forms it can take (heatmap, grid, images, line, stored picture). */
import type { ReplyTo, TensorPayload } from "../../src/wire/index.js";
import type { Question, Scene } from "./view.js";

/** The part of a tensor that is shown: dims drawn, position on every other dim, and colour limits. */
export interface Selection {
  readonly row: number;
  readonly column: number;
  readonly index: readonly number[];
  readonly lo: number;
  readonly hi: number;
}

/** Services of the surrounding tensor view. */
export interface Frame {
  /** Answers, or null where the kernel cannot: the frame has then already told the reader why. */
  ask<K extends keyof ReplyTo>(question: Question<K>): Promise<ReplyTo[K] | null>;
  /** Shows what is under the mouse or the keyboard's cursor; an empty text clears it. */
  say(text: string): void;
  /** Announces that something worth seeing was drawn, so that the stored picture can leave. */
  drawn(): void;
}

/** One form of a tensor on the screen. */
export interface Picture {
  update(scene: Scene<TensorPayload>, selection: Selection): void;
  dispose(): void;
}

export type CreatePicture = (host: HTMLElement, frame: Frame) => Picture;
