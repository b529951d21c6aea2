/** Gives the list of devices() its picture, and a failed allocation the card that says who holds the memory. */
import { setDevicesDisplay } from "../../tensor/device.js";
import { OutOfMemoryError, formatBytes } from "../../tensor/errors.js";
import type { Holder } from "../../tensor/memory.js";
import { devicesMime, devicesRef, type DevicesPayload, type DeviceState } from "../../wire/devices.js";
import { displaySymbol, type MimeBundle } from "../../wire/host.js";
import { host, offerDevices } from "../live.js";
import { lineDensity, pngEntry, rasterize } from "../picture/picture.js";
import { budget, bundleBytes } from "../tensor/bundle.js";
import { answerDevices } from "./answers.js";
import { drawDevices } from "./picture.js";
import { deviceStates, holderRow, holders, type Holders } from "./state.js";
import { devicesText } from "./text.js";

/** The bundle of devices() in a cell. */
function devicesBundle(): MimeBundle {
  const interactive = host()?.interactive ?? false;
  const found = interactive ? holders(true) : named(holders(false));
  const states = deviceStates(found.kinds);
  const devices = interactive ? states : states.map(steady);
  const summary = summaryOf(devices);
  const live = interactive ? devicesRef : null;
  return bundleOf({ version: 1, summary, live, devices, holders: found.rows, others: found.others, failure: null });
}

/** What does not depend on when the garbage was collected last: runs that nobody watches stay equal byte for byte. */
function steady(device: DeviceState): DeviceState {
  const live = device.kinds === null ? 0 : Object.values(device.kinds).reduce((a, b) => a + b, 0);
  return { ...device, live, cached: 0, peak: 0, other: null };
}

function named({ rows, kinds }: Holders): Holders {
  const kept = rows.filter(({ name }) => name !== null).map((row) => ({ ...row, storage: 0 }));
  return { rows: kept, others: 0, kinds: kinds.map((sums) => ({ ...sums, unnamed: 0, saved: 0 })) };
}

function summaryOf(devices: readonly DeviceState[]): string {
  const there = devices.filter(({ reason }) => reason === "");
  const live = there.reduce((sum, device) => sum + device.live, 0);
  return `${there.map(({ name }) => name).join(", ")} · ${formatBytes(live)} in tensors`;
}

/** The card of an allocation that failed: figures and holders of that moment. */
function failureBundle(error: OutOfMemoryError): MimeBundle {
  const { op, device, requested, allocated, cached, cap, free } = error;
  const rows = (error.largest as readonly Holder[]).map((holder) => ({ ...holderRow(holder, device), storage: 0 }));
  const devices = deviceStates(null)
    .filter(({ name }) => name === device)
    .map((state) => ({ ...state, live: allocated, cached, cap, peak: 0, other: null }));
  const summary = `out of memory on ${device}: ${op} asked for ${formatBytes(requested)}, ${formatBytes(free)} are free`;
  return bundleOf({ version: 1, summary, live: null, devices, holders: rows, others: 0, failure: { op, device, requested, free } });
}

function bundleOf(payload: DevicesPayload): MimeBundle {
  const rest = { [devicesMime]: payload, "text/plain": devicesText(payload) };
  // Long names of ten holders are much text: where it is too much for the budget, it is drawn with fewer pixels.
  for (const zoom of [lineDensity, 1.25, 1]) {
    const picture = pngEntry(rasterize(drawDevices(payload), zoom), payload.summary, zoom);
    const bundle = { data: { ...rest, "image/png": picture.data }, metadata: picture.metadata };
    if (bundleBytes(bundle) <= budget.output) return bundle;
  }
  return { data: rest };
}

setDevicesDisplay(devicesBundle);
Object.defineProperty(OutOfMemoryError.prototype, displaySymbol, {
  value(this: OutOfMemoryError) {
    return failureBundle(this);
  },
});
offerDevices(answerDevices);
