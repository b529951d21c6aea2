/** The sidebar with the devices of the kernel whose notebook or console is in front; it asks nothing while it is closed. */
import type { JupyterFrontEnd, LabShell } from "@jupyterlab/application";
import type { Message } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import { devicesRef, type DevicesPayload } from "../src/wire/index.js";
import { channelOf, type Channel } from "./channel.js";
import { ownerOf, type Document, type Owner } from "./owner.js";
import { readTheme } from "./theme.js";
import { devicesView } from "./views/devices/panel.js";
import { create, setText } from "./views/dom.js";

/** Nothing is stored: everything comes from the kernel. */
const payload: DevicesPayload = { version: 1, summary: "", live: devicesRef, devices: [], holders: [], others: 0, failure: null };

export class DevicesSidebar extends Widget {
  private readonly title_ = create("span");
  private readonly root = create("div", "cg-view");
  private readonly view = devicesView(this.root);
  private readonly sizes = new ResizeObserver(() => this.draw());
  private owner: Owner | null = null;
  private channel: Channel | null = null;

  constructor(private readonly shell: JupyterFrontEnd["shell"]) {
    super();
    this.id = "cellgrad-devices";
    this.addClass("cg-devices-sidebar");
    this.title.caption = "Devices: memory and who holds it";
    this.title.iconClass = "jp-SideBar-tabIcon cg-devices-icon";
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", "Devices");
    this.node.append(create("h2", "", {}, "Devices ", this.title_), this.root);
    (shell as Partial<Pick<LabShell, "currentChanged">>).currentChanged?.connect(this.follow, this);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.sizes.observe(this.node);
    this.follow();
  }

  protected override onAfterHide(message: Message): void {
    this.sizes.disconnect();
    this.leave();
    super.onAfterHide(message);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.leave();
    this.view.dispose();
    super.dispose();
  }

  /** Draws again, for a new theme. */
  schedule(): void {
    if (this.isVisible) this.draw();
  }

  /** Turns to the document in front; one without a kernel of ours leaves the last one. */
  private follow(): void {
    if (!this.isVisible) return;
    const current = (this.shell as { readonly currentWidget?: Document | null }).currentWidget;
    if (current?.sessionContext && current.sessionContext !== this.owner?.session) {
      this.release();
      this.owner = ownerOf(current);
      this.owner.session.kernelChanged.connect(this.connect, this);
      this.owner.session.statusChanged.connect(this.connect, this);
    }
    this.connect();
  }

  private connect(): void {
    const { session } = this.owner ?? {};
    const kernel = session?.session?.kernel;
    const isThere =
      kernel && kernel.connectionStatus === "connected" && !["dead", "restarting", "autorestarting", "starting"].includes(kernel.status);
    const next = isThere && kernel.name === "cellgrad" ? channelOf(kernel) : null;
    if (next === this.channel && this.title_.textContent !== "") return;
    if (next !== this.channel) {
      next?.enter();
      this.channel?.leave();
      this.channel = next;
    }
    setText(this.title_, session?.name ?? "");
    this.draw();
  }

  private leave(): void {
    this.release();
    this.owner = null;
    this.channel?.leave();
    this.channel = null;
  }

  private release(): void {
    this.owner?.session.kernelChanged.disconnect(this.connect, this);
    this.owner?.session.statusChanged.disconnect(this.connect, this);
  }

  private draw(): void {
    const width = this.root.clientWidth - 16;
    if (width <= 0) return;
    const theme = readTheme(this.node);
    this.root.style.setProperty("--cg-bad", theme.bad);
    const reveal = (cell: number, cellId: string | null): void => this.owner?.reveal(cell, cellId);
    this.view.update({ payload, bundle: {}, metadata: {}, theme, live: this.channel, width, reveal });
  }
}
