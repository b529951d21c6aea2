/** The contract of every view: it draws a scene into its element, again and again, and keeps only what the reader chose (sliders, zoom, sort). */
import type { LiveRef, ReplyTo, ViewRequest } from "../../src/wire/index.js";
import type { Theme } from "../theme.js";

/** A request without what the channel adds: the object and the number. */
export type Question<K extends keyof ReplyTo> = { readonly kind: K } & {
  [Kind in keyof ReplyTo]: Omit<Extract<ViewRequest, { kind: Kind }>, "request" | "live">;
}[K];

/** Why a question stays unanswered. `offline`: no kernel, or it does not answer now; asking again later may help. */
export type Silence = "offline" | "freed" | "restarted" | "failed";

/** Thrown by {@link Live.ask} in place of a reply. */
export class Unanswered extends Error {
  constructor(
    readonly reason: Silence,
    message: string,
  ) {
    super(message);
  }
}

/** A way to ask the kernel about the object behind a payload. */
export interface Live {
  ask<K extends keyof ReplyTo>(object: LiveRef, question: Question<K>): Promise<ReplyTo[K]>;
}

/** The other representations in the same MIME bundle, such as the stored picture. */
export type Bundle = Readonly<Record<string, unknown>>;

/** All that a view draws from. */
export interface Scene<Payload> {
  readonly payload: Payload;
  readonly bundle: Bundle;
  /** Of the bundle, by MIME type: the stored picture's size and description. */
  readonly metadata: Bundle;
  readonly theme: Theme;
  /** Null while no kernel owns the output. */
  readonly live: Live | null;
  /** Width in CSS pixels that the view may use. */
  readonly width: number;
  /** Goes to a cell of the notebook that the output stands in: by its id, else by the number it has now. */
  readonly reveal?: (cell: number, cellId: string | null) => void;
  /** Writes a later bundle of the same object into the notebook. */
  readonly store?: (bundle: Bundle, metadata: Bundle) => void;
}

/** A mounted view. `update` is called for new payloads, themes, widths and kernel connections alike. */
export interface View<Payload> {
  update(scene: Scene<Payload>): void;
  dispose(): void;
}
