/** Devices as a few lines of text: the form that every front end shows. */
import { formatBytes, formatShape } from "../../tensor/errors.js";
import type { DeviceState, DevicesPayload, HolderRow } from "../../wire/devices.js";

export function devicesText({ devices, holders, others, failure }: DevicesPayload): string {
  const width = Math.max(...devices.map(({ name }) => name.length));
  const lines = devices.map((device) => `${device.name.padEnd(width)}  ${deviceText(device)}`);
  const asked =
    failure === null
      ? []
      : [`${failure.op} asked ${failure.device} for ${formatBytes(failure.requested)}; ${formatBytes(failure.free)} are free`];
  const held = holders.map((row) => `  ${formatBytes(row.bytes).padStart(8)}  ${holderText(row)}`);
  const more = others > 0 ? [`  and ${others} more`] : [];
  return [...asked, ...lines, ...(held.length > 0 ? ["held by", ...held, ...more] : [])].join("\n");
}

/** `12.4 MB in tensors, 3 MB cached, peak 40 MB, of 15.6 GB · AVX2, 2 threads`. */
export function deviceText({ description, reason, live, cached, peak, cap, total }: DeviceState): string {
  if (reason !== "") return `absent: ${reason}`;
  const parts = [
    `${formatBytes(live)} in tensors`,
    ...(cached > 0 ? [`${formatBytes(cached)} cached`] : []),
    ...(peak > 0 ? [`peak ${formatBytes(peak)}`] : []),
    cap > 0 ? `capped at ${formatBytes(cap)}` : `of ${formatBytes(total)}`,
  ];
  return `${parts.join(", ")} · ${description}`;
}

export const kindNames: Readonly<Record<HolderRow["kind"], string>> = {
  variable: "variable",
  parameter: "parameter",
  gradient: "gradient",
  saved: "saved for backward",
  optimizer: "optimizer",
  unnamed: "no name leads to it",
};

/** `images: float32 [64, 3, 32, 32], variable, cell 3`. */
export function holderText({ name, kind, dtype, shape, cell, made, tensors, device }: HolderRow): string {
  const parts = [
    `${name ?? "—"}: ${dtype} ${formatShape(shape)}`,
    kindNames[kind],
    ...(device === "cpu" ? [] : [device]),
    ...(tensors > 1 ? [`${tensors} tensors`] : []),
    ...(cell === null ? [] : [`cell ${cell}`]),
    ...(made === null ? [] : [made]),
  ];
  return parts.join(", ");
}
