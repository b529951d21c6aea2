/** Answers the requests of live views: objects are known by weak references; of those without a name the latest small ones are kept. */
import { io } from "../runtime/addon.js";
import { hostSymbol, viewsSymbol, type Host, type Views } from "../wire/host.js";
import { devicesRef } from "../wire/devices.js";
import type { LiveRef } from "../wire/live.js";
import { isViewRequest, type ViewReply, type ViewRequest } from "../wire/views.js";
import { describeValue } from "./tensor/describe.js";

/** Answers one request about an object. Must not run user code, block, or make the object live longer. */
export type Answer<T extends object> = (object: T, request: ViewRequest) => ViewReply;

interface Shown {
  readonly object: WeakRef<object>;
  readonly answer: Answer<object>;
}

const shown = new Map<string, Shown>();
const refs = new WeakMap<object, LiveRef>();
let offered = 0;
const forget = new FinalizationRegistry<string>((id) => {
  if (!kept.has(id)) shown.delete(id);
});

/** The latest shown objects, latest last: the result of a cell that no variable holds stays browsable for a while. */
const kept = new Map<string, { readonly object: object; readonly bytes: number }>();
const keptLimits = { each: 2 ** 20, all: 8 * 2 ** 20 } as const;

/** What the kernel offers; null in plain Node. */
export function host(): Host | null {
  return (globalThis as { [hostSymbol]?: Host })[hostSymbol] ?? null;
}

// Only payloads of interactive sessions carry it, so that headless runs stay equal byte for byte.
const session = crypto.randomUUID();

/** Lets views ask `object`; null when nobody can (plain Node, headless runs). The same object keeps its reference. */
export function offer<T extends object>(object: T, answer: Answer<T>): LiveRef | null {
  const known = refs.get(object);
  if (known !== undefined) return known;
  if (host()?.interactive !== true) return null;
  const ref = { session, id: String(++offered) };
  refs.set(object, ref);
  shown.set(ref.id, { object: new WeakRef(object), answer: answer as unknown as Answer<object> });
  forget.register(object, ref.id);
  return ref;
}

/** Keeps an offered object that takes `bytes` until 8 MB of later ones were shown; larger than 1 MB, it is not kept. */
export function keepLatest({ id }: LiveRef, object: object, bytes: number): void {
  kept.delete(id);
  if (bytes > keptLimits.each) return;
  kept.set(id, { object, bytes });
  let sum = 0;
  for (const entry of kept.values()) sum += entry.bytes;
  for (const [earliest, entry] of kept) {
    if (sum <= keptLimits.all) return;
    kept.delete(earliest);
    if (shown.get(earliest)?.object.deref() === undefined) shown.delete(earliest);
    sum -= entry.bytes;
  }
}

/** Called by the kernel's agent, possibly between two steps of an op that has just filled the scratch. */
export const views: Views = {
  request: (message) => views.aside(() => JSON.stringify(answer(message))),
  aside(look) {
    const scratch = io.slice();
    try {
      return look();
    } finally {
      io.set(scratch);
    }
  },
  describe: (value) => views.aside(() => describeValue(value)),
};

/** Answers what is asked of {@link devicesRef}. */
let answerDevices: ((request: ViewRequest) => ViewReply) | null = null;

export function offerDevices(answer: (request: ViewRequest) => ViewReply): void {
  answerDevices = answer;
}

export function serveViews(): void {
  (globalThis as { [viewsSymbol]?: Views })[viewsSymbol] = views;
}

function answer(message: string): ViewReply {
  let request: unknown;
  try {
    request = JSON.parse(message);
  } catch {
    return { kind: "failed", request: -1, reason: "not JSON", retry: false };
  }
  if (!isViewRequest(request)) return { kind: "failed", request: -1, reason: "not a view request", retry: false };
  const gone = (reason: "freed" | "restarted"): ViewReply => ({ kind: "gone", request: request.request, reason });
  const { live } = request;
  const entry = shown.get(live.id);
  const object = entry?.object.deref() ?? kept.get(live.id)?.object;
  try {
    if (live.session === devicesRef.session && answerDevices !== null) return answerDevices(request);
    if (live.session !== session) return gone("restarted");
    if (entry === undefined || object === undefined) return gone("freed");
    return entry.answer(object, request);
  } catch (error) {
    return { kind: "failed", request: request.request, reason: error instanceof Error ? error.message : String(error), retry: false };
  }
}
