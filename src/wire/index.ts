/** Everything that crosses between kernel and browser. */
export * from "./color.js";
export * from "./devices.js";
export * from "./editor.js";
export * from "./gauges.js";
export * from "./gradients.js";
export * from "./host.js";
export * from "./live.js";
export * from "./run.js";
export * from "./shape-error.js";
export * from "./tensor.js";
export * from "./views.js";
