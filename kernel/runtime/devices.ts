/** Answers of the device panel while the main thread is in native code: what native code writes into shared doubles. */
import { readHistory, readLevels, slot } from "../../src/wire/gauges.js";
import type { DevicesReply, DevicesRequest } from "../../src/wire/devices.js";

/** How long the main thread has to answer by itself, in ms. */
const patience = 150;

/**
 * Returns what answers a request as JSON text: the library in the main thread by `ask`, or the figures alone while it does not.
 * Questions do not pile up behind native work: one waits at most.
 */
export function devicesAnswer(
  gauges: Float64Array,
  ask: (request: string) => Promise<unknown>,
): (text: string, request: DevicesRequest) => Promise<unknown> {
  let last: DevicesReply | null = null;
  let isWaiting = false;

  return async (text, request) => {
    if (isWaiting) return figures(request);
    isWaiting = true;
    const asked = ask(text).finally(() => (isWaiting = false));
    const answer = await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, patience, null))]);
    if (typeof answer !== "string") return isWaiting ? figures(request) : answer;
    const reply = (answer === "" ? { kind: "gone" } : JSON.parse(answer)) as { kind: string };
    if (reply.kind === "devices") last = reply as DevicesReply;
    return answer;
  };

  /** The last answer of the main thread with the figures of now. */
  function figures({ request, since }: DevicesRequest): string | null {
    if (last === null) return null;
    const at = Math.floor(Number(process.hrtime.bigint() / 1_000_000n) / slot.ms);
    const from = Math.max(since === null ? 0 : since + 1, at - slot.kept + 1);
    const reply: DevicesReply = {
      ...last,
      request,
      slot: at,
      now: Date.now(),
      devices: last.devices.map((device, i) => (device.reason === "" ? { ...device, ...readLevels(gauges, i), kinds: null } : device)),
      history: last.devices.map(({ reason }, i) => (reason === "" ? readHistory(gauges, i, from, at) : [])),
      cells: null,
      holders: null,
    };
    return JSON.stringify(reply);
  }
}
