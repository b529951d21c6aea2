/** One device: its bar, its last ten minutes, its cache and the map of its blocks. */
import {
  memoryColors,
  memoryParts,
  partNames,
  partsOf,
  type DeviceState,
  type DevicesReply,
  type FailedAllocation,
} from "../../../src/wire/index.js";
import type { Theme } from "../../theme.js";
import { create, setText } from "../dom.js";
import { formatBytes } from "../format.js";
import type { Live } from "../view.js";
import { createHistory } from "./history.js";
import { createMap } from "./map.js";
import type { Actions } from "./actions.js";

interface CardScene {
  readonly device: DeviceState;
  readonly failure: FailedAllocation | null;
  readonly actions: Actions;
  readonly theme: Theme;
  readonly width: number;
  /** Null where no kernel can be asked. */
  readonly ask: Live | null;
}

export interface Card {
  readonly element: HTMLElement;
  /** Takes what the answer says of device `i` into the history. */
  add(reply: DevicesReply, i: number): void;
  update(scene: CardScene): void;
}

export function createCard(name: string): Card {
  const used = create("span", "cg-number");
  const description = create("div", "cg-muted cg-device-description");
  const bar = create("div", "cg-device-bar", { role: "img" });
  const segments = new Map(memoryParts.map((part) => [part, create("span")]));
  const asked = create("span", "cg-device-asked");
  const peak = create("span", "cg-device-peak");
  bar.append(...segments.values(), asked, peak);
  const legend = create("div", "cg-device-legend");
  const history = createHistory();
  const empty = create("button", "cg-button", { type: "button" });
  const showMap = create("button", "cg-button", { type: "button", "aria-expanded": "false" }, "Map of blocks");
  const tools = create("div", "cg-row cg-device-tools", {}, empty, showMap);
  const map = createMap(name);
  const body = create("div", "", {}, bar, legend, history.element, tools, map.element);
  const element = create(
    "div",
    "cg-device",
    { role: "group", "aria-label": name },
    create("div", "cg-row cg-device-head", {}, create("span", "cg-type", {}, name), used),
    description,
    body,
  );
  let scene: CardScene;

  empty.addEventListener("click", () => scene.actions.act("emptyCache", name));
  showMap.addEventListener("click", () => {
    const isOpen = showMap.getAttribute("aria-expanded") === "true";
    showMap.setAttribute("aria-expanded", String(!isOpen));
    map.show(!isOpen, scene);
  });

  function drawBar(): void {
    const { device, failure, theme } = scene;
    const parts = partsOf(device);
    const size = Math.max(
      1,
      memoryParts.reduce((sum, part) => sum + parts[part], 0),
    );
    const tone = theme.dark ? "dark" : "light";
    const share = (bytes: number): string => `${((100 * bytes) / size).toFixed(3)}%`;
    for (const [part, segment] of segments) {
      segment.style.width = share(parts[part]);
      segment.hidden = parts[part] === 0;
      segment.title = `${partNames[part]}: ${formatBytes(parts[part])}`;
      segment.style.background = memoryColors[part][tone];
    }
    peak.hidden = device.peak === 0 || device.peak > size;
    peak.style.left = share(device.peak);
    peak.title = `peak: ${formatBytes(device.peak)}`;
    asked.hidden = failure?.device !== device.name;
    if (failure) {
      asked.style.left = share(device.live + device.cached);
      asked.style.width = share(Math.min(failure.requested, size - device.live - device.cached));
    }
    const shown = memoryParts.filter((part) => parts[part] > 0);
    bar.setAttribute("aria-label", shown.map((part) => `${partNames[part]} ${formatBytes(parts[part])}`).join(", "));
    legend.replaceChildren(
      ...shown.map((part) => {
        const swatch = create("span", "cg-device-swatch", { "aria-hidden": "true" });
        swatch.style.background = memoryColors[part][tone];
        return create(
          "span",
          "cg-device-key",
          {},
          swatch,
          `${partNames[part]} `,
          create("span", "cg-number", {}, formatBytes(parts[part])),
        );
      }),
    );
  }

  return {
    element,
    add: (reply, i) => history.add(reply, i),
    update(next) {
      scene = next;
      const { device, actions, theme, width } = next;
      const { reason, live, peak, cap, total, cached } = device;
      setText(description, reason === "" ? device.description : reason);
      description.title = description.textContent;
      body.hidden = reason !== "";
      element.classList.toggle("cg-absent", reason !== "");
      setText(used, reason === "" ? `${formatBytes(live)} of ${formatBytes(cap > 0 ? cap : total)}` : "absent");
      used.title = peak > 0 ? `peak ${formatBytes(peak)}` : "";
      if (reason !== "") return;
      drawBar();
      history.update(theme, width, actions.reveal);
      tools.hidden = next.ask === null;
      empty.disabled = !actions.possible || cached === 0;
      setText(empty, cached === 0 ? "The cache is empty" : `Empty cache: frees ${formatBytes(cached)}`);
      map.update(next);
    },
  };
}
