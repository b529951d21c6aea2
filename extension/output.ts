/** The widget around a view: gives it payload, theme, width and kernel, and keeps it up to date while it is attached. */
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import type { JSONObject } from "@lumino/coreutils";
import type { Message } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import { channelOf, type Channel } from "./channel.js";
import { findOwner, type Owner } from "./owner.js";
import { readTheme } from "./theme.js";
import { create } from "./views/dom.js";
import { textOf } from "./views/stored.js";
import type { Bundle, View } from "./views/view.js";

/** What makes one MIME type's outputs different from another's. */
export interface Kind<Payload> {
  readonly mime: string;
  readonly isPayload: (value: unknown) => value is Payload;
  readonly createView: (root: HTMLElement) => View<Payload>;
  /** A payload that changes by itself: its notebook is saved when it appears, so that a reload in mid-run finds it. */
  readonly isRunning?: (payload: Payload) => boolean;
}

export class Output<Payload> extends Widget implements IRenderMime.IRenderer {
  private readonly root = create("div", "cg-view");
  private readonly sizes = new ResizeObserver(() => this.schedule());
  private view: View<Payload> | null = null;
  private model: IRenderMime.IMimeModel | null = null;
  private owner: Owner | null = null;
  private channel: Channel | null = null;
  private width = 0;
  private frame = 0;

  /** `documents` are those that are open. */
  constructor(
    private readonly kind: Kind<Payload>,
    private readonly documents: () => Iterable<Widget>,
  ) {
    super();
    this.addClass("cg-output");
    this.node.append(this.root);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.model = model;
    this.draw();
    const payload = model.data[this.kind.mime];
    if (this.owner && this.kind.isPayload(payload) && this.kind.isRunning?.(payload)) setTimeout(() => this.owner?.save(), 0);
  }

  /** Draws again in the next animation frame, for a new theme or size. */
  schedule(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.release();
    this.view?.dispose();
    this.view = null;
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.owner = findOwner(this, this.documents);
    this.owner?.session.kernelChanged.connect(this.connect, this);
    this.owner?.session.connectionStatusChanged.connect(this.connect, this);
    this.owner?.session.statusChanged.connect(this.onStatus, this);
    this.sizes.observe(this.node);
    this.connect();
    const payload = this.model?.data[this.kind.mime];
    if (this.kind.isPayload(payload) && this.kind.isRunning?.(payload)) setTimeout(() => this.owner?.save(), 0);
  }

  protected override onBeforeDetach(message: Message): void {
    this.release();
    super.onBeforeDetach(message);
  }

  private release(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.sizes.disconnect();
    this.owner?.session.kernelChanged.disconnect(this.connect, this);
    this.owner?.session.connectionStatusChanged.disconnect(this.connect, this);
    this.owner?.session.statusChanged.disconnect(this.onStatus, this);
    this.owner = null;
    this.channel?.leave();
    this.channel = null;
  }

  private connect(): void {
    const { owner } = this;
    const kernel = owner?.session.session?.kernel;
    const next = kernel && kernel.connectionStatus === "connected" && kernel.status !== "dead" ? channelOf(kernel) : null;
    if (next !== this.channel) {
      next?.enter();
      this.channel?.leave();
      this.channel = next;
    }
    this.schedule();
  }

  private onStatus(_: unknown, status: string): void {
    if (status === "starting" || status === "restarting" || status === "autorestarting" || status === "dead") {
      this.channel?.leave();
      this.channel = null;
      this.schedule();
    } else if (!this.channel) this.connect();
  }

  private draw(): void {
    if (!this.model || this.isDisposed) return;
    const bundle = this.model.data as Bundle;
    const payload = bundle[this.kind.mime];
    this.width = this.root.clientWidth || this.width;
    if (this.width === 0) return;
    try {
      if (!this.kind.isPayload(payload)) throw new TypeError(`not a payload of ${this.kind.mime}`);
      this.view ??= this.kind.createView(this.root);
      const theme = readTheme(this.node);
      this.root.style.setProperty("--cg-bad", theme.bad);
      this.root.style.setProperty("--cg-link", theme.link);
      this.view.update({
        payload,
        bundle,
        metadata: this.model.metadata as Bundle,
        theme,
        live: this.channel,
        width: this.width - 16,
        store: (data, metadata) => this.store(data, metadata),
        reveal: (cell, cellId) => this.owner?.reveal(cell, cellId),
      });
    } catch (error) {
      // The output is never lost: its text stays readable when a view cannot draw it.
      console.error(error);
      this.view?.dispose();
      this.view = null;
      this.root.replaceChildren(create("pre", "cg-text", {}, textOf(bundle, "")));
    }
  }

  private store(data: Bundle, metadata: Bundle): void {
    this.model?.setData({ data: data as JSONObject, metadata: metadata as JSONObject });
    this.owner?.save();
  }
}
