/** Keeps the kernel of a notebook informed of its code cells while they are written, and shows what it finds wrong in them. */
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { Kernel, KernelMessage } from "@jupyterlab/services";
import type { JSONObject } from "@lumino/coreutils";
import {
  editorTarget,
  isEditorReply,
  type DiagnosticsMessage,
  type EditorAnswer,
  type EditorRequest,
  type NotebookMessage,
} from "../../src/wire/index.js";
import type { Squiggles } from "./squiggles.js";

/** The kernel is told after a pause in writing, and in any case after a while; in ms. */
const pause = 250;
const longest = 1500;

/** A question that is not answered within this time is given up, as JupyterLab's completer does; in ms. */
const patience = 2000;

type Unnumbered<Request> = Request extends EditorRequest ? Omit<Request, "request"> : never;

/** What the kernel was told of a cell, and by which message. */
interface Told {
  readonly text: string;
  readonly sequence: number;
}

export class NotebookLink {
  private comm: Kernel.IComm | null = null;
  private isOpening = false;
  private readonly told = new Map<string, Told>();
  private order = "";
  private sequence = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waitingSince = 0;
  private lastQuestion = 0;
  private readonly questions = new Map<number, (answer: EditorAnswer) => void>();

  constructor(
    private readonly panel: NotebookPanel,
    private readonly squiggles: Squiggles,
  ) {
    const { sessionContext, context } = panel;
    sessionContext.kernelChanged.connect(() => this.reset());
    sessionContext.statusChanged.connect((_, status) => {
      if (isEnd(status)) this.reset();
      else if (!this.comm) this.changed();
    });
    context.model.contentChanged.connect(() => this.changed());
    panel.disposed.connect(() => {
      clearTimeout(this.timer);
      const { comm } = this;
      this.comm = null;
      if (comm && !comm.isDisposed && !sessionContext.isDisposed) comm.close();
    });
    this.changed();
  }

  /** Whether the kernel is one that can be asked. */
  get isOpen(): boolean {
    return this.comm !== null;
  }

  /** Asks about a cell as it stands now. Rejects when no answer comes in time. */
  async ask(question: Unnumbered<EditorRequest>): Promise<EditorAnswer> {
    await this.send();
    const request = ++this.lastQuestion;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.questions.delete(request);
        reject(new Error("The kernel did not answer in time."));
      }, patience);
      this.questions.set(request, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.comm?.send({ ...question, request } as unknown as JSONObject);
    });
  }

  /** Something changed, perhaps only an output. */
  private changed(): void {
    const now = performance.now();
    if (this.timer === undefined) this.waitingSince = now;
    else if (now - this.waitingSince > longest) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.send();
    }, pause);
  }

  private async send(): Promise<void> {
    const comm = this.comm ?? (await this.open());
    if (!comm || this.panel.isDisposed) return;
    const cells = this.codeModels();
    const order = cells.map(({ id }) => id);
    const texts: Record<string, string> = {};
    for (const { id, sharedModel } of cells) {
      const text = sharedModel.getSource();
      if (this.told.get(id)?.text !== text) texts[id] = text;
    }
    if (Object.keys(texts).length === 0 && order.join() === this.order) return;
    this.sequence++;
    this.order = order.join();
    for (const [id, text] of Object.entries(texts)) this.told.set(id, { text, sequence: this.sequence });
    const message: NotebookMessage = { kind: "notebook", sequence: this.sequence, order, texts };
    comm.send({ ...message } as unknown as JSONObject);
  }

  /** The comm to the kernel, if it is one of ours. */
  private async open(): Promise<Kernel.IComm | null> {
    const kernel = this.panel.sessionContext.session?.kernel;
    if (!kernel || !kernel.handleComms || this.isOpening || isEnd(kernel.status)) return null;
    this.isOpening = true;
    try {
      const { implementation } = await kernel.info;
      if (implementation !== "cellgrad" || this.panel.isDisposed || kernel !== this.panel.sessionContext.session?.kernel) return null;
      const comm = kernel.createComm(editorTarget);
      comm.onMsg = (message) => this.receive(message);
      comm.onClose = () => {
        if (comm === this.comm) this.forget(); // the next change opens another
      };
      comm.open({});
      return (this.comm = comm);
    } catch {
      return null; // the connection ended meanwhile: its end is a status of its own
    } finally {
      this.isOpening = false;
    }
  }

  private receive({ content }: KernelMessage.ICommMsgMsg): void {
    const reply: unknown = content.data;
    if (!isEditorReply(reply)) return;
    if (reply.kind === "diagnostics") return this.show(reply);
    this.questions.get(reply.request)?.(reply);
    this.questions.delete(reply.request);
  }

  private show({ id, sequence, diagnostics }: DiagnosticsMessage): void {
    const told = this.told.get(id);
    const model = this.codeModels().find((each) => each.id === id);
    // Of an earlier text: the kernel will say it again of the one it has or gets.
    if (!told || !model || model.sharedModel.getSource() !== told.text || sequence < told.sequence) return;
    this.squiggles.show(model, diagnostics);
  }

  /** The kernel that was told is gone. */
  private reset(): void {
    this.forget();
    for (const model of this.codeModels()) this.squiggles.show(model, []);
    this.changed();
  }

  private forget(): void {
    this.comm = null;
    this.told.clear();
    this.order = "";
  }

  private codeModels() {
    return [...(this.panel.content.model?.cells ?? [])].filter(({ type }) => type === "code");
  }
}

function isEnd(status: Kernel.Status): boolean {
  return status === "restarting" || status === "autorestarting" || status === "dead" || status === "terminating";
}
