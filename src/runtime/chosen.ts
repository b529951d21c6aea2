/** The streams and pools that native work goes to inside a callback, an async one's awaits included. */
import { native } from "./addon.js";
import { beforeCalls } from "./observe.js";
import { Scoped } from "./scoped.js";

/** Numbers of streams and pools by device; what is missing is 0. */
interface Chosen {
  readonly stream: ReadonlyMap<number, number>;
  readonly pool: ReadonlyMap<number, number>;
}
type Kind = keyof Chosen;

const nothing: Chosen = { stream: new Map(), pool: new Map() };
const scoped = new Scoped<Chosen>();
// What native code was told last: it is told anew only when a call comes from elsewhere.
let told = nothing;

/** The stream or pool of a device that work goes to now. */
export const chosen = (kind: Kind, device: number): number => scoped.get(nothing)[kind].get(device) ?? 0;

/** Runs `body` with work of a device going to a stream or pool. */
export function choose<R>(kind: Kind, device: number, number: number, body: () => R): R {
  const around = scoped.get(nothing);
  beforeCalls(tell);
  return scoped.run({ ...around, [kind]: new Map(around[kind]).set(device, number) }, body);
}

/** Takes itself away by the first call after the last callback: an interrupt may cut one off without its end. */
function tell(): void {
  const wanted = scoped.get(nothing);
  if (wanted !== told) {
    for (const device of new Set([...told.stream.keys(), ...wanted.stream.keys()]))
      native.useStream(device, wanted.stream.get(device) ?? 0);
    for (const device of new Set([...told.pool.keys(), ...wanted.pool.keys()])) native.usePool(device, wanted.pool.get(device) ?? 0);
    told = wanted;
  }
  if (scoped.idle) beforeCalls(null);
}
