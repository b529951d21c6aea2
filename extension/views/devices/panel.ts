/** The device panel: a card for each device, and under it who holds the memory. The same in a cell, in the sidebar and for a failed allocation. */
import {
  devicesRef,
  partsOf,
  type DeviceActionRequest,
  type DevicesPayload,
  type DevicesReply,
  type HolderRow,
} from "../../../src/wire/index.js";
import { create, setText } from "../dom.js";
import { formatBytes } from "../format.js";
import { Unanswered, type Scene, type View } from "../view.js";
import type { Actions } from "./actions.js";
import { createCard, type Card } from "./card.js";
import { createHolders } from "./holders.js";
import { poll } from "./poll.js";

/** How often a panel that is seen asks, in ms. */
const pace = 2500;

const nothingLoaded = "Nothing of this kernel has loaded cellgrad yet: its devices appear with the first import.";

export function devicesView(root: HTMLElement): View<DevicesPayload> {
  const failure = create("div", "cg-devices-failure", { role: "alert" });
  const note = create("span", "cg-muted");
  const record = create("button", "cg-button", { type: "button", title: "Each op notes its line from now on; about a microsecond an op" });
  const cards = create("div", "cg-devices-cards");
  const holders = createHolders();
  root.replaceChildren(failure, cards, holders.element, create("div", "cg-row cg-devices-foot", {}, note, record));
  const byDevice = new Map<string, Card>();
  let scene: Scene<DevicesPayload>;
  let reply: DevicesReply | null = null;
  let rows: readonly HolderRow[] | null = null;
  let silence = "";

  record.addEventListener("click", () => void act(reply?.recording ? "stopRecording" : "record", reply?.devices[0]?.name ?? "cpu"));
  const poller = poll(root, pace, ask);

  async function ask(): Promise<void> {
    const { live, payload } = scene;
    if (live === null || payload.live === null) return;
    try {
      const next = await live.ask(devicesRef, {
        kind: "devices",
        since: reply?.slot ?? null,
        digest: rows === null ? null : (reply?.digest ?? null),
      });
      if (next.holders !== null) rows = next.holders;
      next.devices.forEach(({ name }, i) => cardOf(name).add(next, i));
      reply = next;
      silence = "";
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      silence = error.reason === "restarted" ? nothingLoaded : error.message;
      if (error.reason === "restarted") forget();
    }
    draw();
  }

  async function act(action: DeviceActionRequest["action"], device: string, storage = 0): Promise<void> {
    try {
      await scene.live?.ask(devicesRef, { kind: "act", action, device, storage });
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
    }
    await ask();
  }

  function forget(): void {
    [reply, rows] = [null, null];
    byDevice.clear();
  }

  function cardOf(name: string): Card {
    const card = byDevice.get(name) ?? createCard(name);
    byDevice.set(name, card);
    return card;
  }

  function draw(): void {
    const { payload, theme, width } = scene;
    const isLive = scene.live !== null && payload.live !== null;
    const actions: Actions = {
      act: (action, device, storage) => void act(action, device, storage),
      reveal: (cell, cellId) => scene.reveal?.(cell, cellId),
      possible: isLive && reply !== null && reply.cells !== null,
    };
    root.style.setProperty("--cg-link", theme.link);
    const devices = reply?.devices ?? payload.devices;
    for (const device of devices)
      cardOf(device.name).update({ device, failure: payload.failure, actions, theme, width, ask: isLive ? scene.live : null });
    const elements = devices.map(({ name }) => cardOf(name).element);
    if (elements.some((element, i) => cards.children[i] !== element) || cards.childElementCount !== elements.length)
      cards.replaceChildren(...elements);
    holders.update({ rows: rows ?? payload.holders, others: reply?.others ?? payload.others, now: reply?.now ?? null, actions, theme });
    failure.hidden = payload.failure === null;
    if (payload.failure) setText(failure, failureText(payload));
    setText(note, noteText(isLive));
    record.hidden = !actions.possible;
    record.setAttribute("aria-pressed", String(reply?.recording ?? false));
    setText(record, reply?.recording ? "Lines are noted" : "Note lines");
  }

  function noteText(isLive: boolean): string {
    if (scene.payload.failure) return "As it was when the allocation failed.";
    if (!isLive) return devicesSeen() ? "No kernel: this is what the file holds." : "No notebook with a cellgrad kernel is open.";
    if (silence !== "") return silence;
    if (reply === null) return "Asking the kernel…";
    return reply.cells === null ? "A native call runs: names and kinds follow when it ends." : "";
  }

  const devicesSeen = (): boolean => scene.payload.devices.length > 0;

  return {
    update(next) {
      const another = scene?.live !== next.live;
      scene = next;
      if (another) forget();
      draw();
      if (another) poller.now();
    },
    dispose() {
      poller.stop();
      root.replaceChildren();
    },
  };
}

/** What failed, and what the listed holders would bring. */
function failureText({ failure, holders, devices }: DevicesPayload): string {
  const { op, device, requested, free } = failure!;
  const held = holders.reduce((sum, { bytes }) => sum + bytes, 0);
  const state = devices.find(({ name }) => name === device);
  const cached = state ? partsOf(state).cached : 0;
  const brings = [
    ...(held > 0 ? [`the holders below hold ${formatBytes(held)}`] : []),
    ...(cached > 0 ? [`the cache ${formatBytes(cached)}`] : []),
  ];
  const would = brings.length === 0 ? "" : ` Of what could be freed, ${brings.join(" and ")}.`;
  return `${op} asked ${device} for ${formatBytes(requested)}; ${formatBytes(free)} are free.${would}`;
}
