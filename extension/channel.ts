/** One comm to a kernel, shared by every view of its outputs: numbered questions, paced, timed, repeated when lost. */
import type { Kernel, KernelMessage } from "@jupyterlab/services";
import type { JSONObject } from "@lumino/coreutils";
import { isViewReply, viewsTarget, type LiveRef, type ReplyTo, type ViewReply } from "../src/wire/index.js";
import { Unanswered, type Live, type Question } from "./views/view.js";

const timeoutMs = 1500;
const attempts = 3;
/** At most 30 messages a second, after a burst of 12: jupyter_server drops messages of kernels that flood it. */
const pace = { spacingMs: 1000 / 30, burst: 12 } as const;

interface Waiting {
  readonly resolve: (reply: ViewReply) => void;
  readonly reject: (error: Unanswered) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class Channel implements Live {
  private comm: Promise<Kernel.IComm> | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private users = 0;
  private requests = 0;
  private nextSlot = 0;

  constructor(private readonly kernel: Kernel.IKernelConnection) {
    kernel.statusChanged.connect((_, status) => {
      if (status === "restarting" || status === "autorestarting" || status === "dead" || status === "terminating")
        this.drop("The kernel stopped.");
    });
    kernel.disposed.connect(() => this.drop("The kernel connection was closed."));
  }

  /** Counts a view in; the comm stays open until the last one has left. */
  enter(): void {
    this.users++;
  }

  leave(): void {
    if (--this.users > 0) return;
    void this.comm?.then((comm) => {
      if (!comm.isDisposed && !this.kernel.isDisposed) comm.close();
    });
    this.drop("No view is left.");
  }

  async ask<K extends keyof ReplyTo>(object: LiveRef, question: Question<K>): Promise<ReplyTo[K]> {
    for (let attempt = 1; ; attempt++) {
      const reply = await this.send(object, question, attempt);
      if (reply === null) continue;
      if (reply.kind === "gone") throw new Unanswered(reply.reason, "The object is gone.");
      if (reply.kind !== "failed") return reply as ReplyTo[K];
      if (!reply.retry || attempt >= attempts) throw new Unanswered(reply.retry ? "offline" : "failed", reply.reason);
      await sleep(200 * attempt);
    }
  }

  /** One attempt; null when the answer was lost and another attempt is due. */
  private async send<K extends keyof ReplyTo>(object: LiveRef, question: Question<K>, attempt: number): Promise<ViewReply | null> {
    await this.slot();
    const request = ++this.requests;
    try {
      const comm = await this.open();
      return await new Promise<ViewReply>((resolve, reject) => {
        const timer = setTimeout(() => {
          this.waiting.delete(request);
          reject(new Unanswered("offline", "The kernel did not answer in time."));
        }, timeoutMs * attempt);
        this.waiting.set(request, { resolve, reject, timer });
        comm.send({ ...question, request, live: { ...object } } as unknown as JSONObject);
      });
    } catch (error) {
      if (attempt < attempts && error instanceof Unanswered && this.comm !== null) return null;
      throw error instanceof Unanswered ? error : new Unanswered("offline", String(error));
    }
  }

  private open(): Promise<Kernel.IComm> {
    if (this.comm) return this.comm;
    const opening = this.openComm(() => this.comm === opening && this.reopen());
    this.comm = opening;
    opening.catch(() => {
      if (this.comm === opening) this.comm = null;
    });
    return opening;
  }

  /** `closed` is called when the kernel closes the comm, or {@link leave} does. */
  private async openComm(closed: () => void): Promise<Kernel.IComm> {
    if (this.kernel.isDisposed || !this.kernel.handleComms) throw new Unanswered("offline", "There is no kernel connection.");
    const { implementation } = await withTimeout(this.kernel.info, 10_000);
    if (implementation !== "cellgrad") throw new Unanswered("offline", "Another kernel does not know what this output shows.");
    const comm = this.kernel.createComm(viewsTarget);
    // On its own subshell the kernel answers while a cell runs; CommHandler has the promise, its interface does not.
    if (this.kernel.supportsSubshells && "subshellStarted" in comm)
      await withTimeout(comm.subshellStarted as Promise<void>, 2000).catch(() => undefined);
    comm.onMsg = (message) => this.receive(message);
    comm.onClose = closed;
    comm.open({});
    return comm;
  }

  private receive(message: KernelMessage.ICommMsgMsg): void {
    const reply: unknown = message.content.data;
    if (!isViewReply(reply)) return;
    const waiting = this.waiting.get(reply.request);
    if (!waiting) return;
    this.waiting.delete(reply.request);
    clearTimeout(waiting.timer);
    waiting.resolve(reply);
  }

  /** The kernel does not know the comm, as after a restart: what was asked is asked again on another. */
  private reopen(): void {
    this.comm = null;
    for (const [request, { resolve, timer }] of this.waiting) {
      clearTimeout(timer);
      resolve({ kind: "failed", request, reason: "The kernel closed the channel.", retry: true });
    }
    this.waiting.clear();
  }

  private drop(why: string): void {
    this.comm = null;
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(new Unanswered("offline", why));
    }
    this.waiting.clear();
  }

  private async slot(): Promise<void> {
    const now = performance.now();
    this.nextSlot = Math.max(this.nextSlot, now) + pace.spacingMs;
    const wait = this.nextSlot - now - pace.spacingMs * pace.burst;
    if (wait > 0) await sleep(wait);
  }
}

const channels = new WeakMap<Kernel.IKernelConnection, Channel>();

/** The channel of a kernel connection, made at the first call. */
export function channelOf(kernel: Kernel.IKernelConnection): Channel {
  let channel = channels.get(kernel);
  if (!channel) channels.set(kernel, (channel = new Channel(kernel)));
  return channel;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Unanswered("offline", "The kernel did not answer in time.")), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
