/** What a person sees of tensors, gradients and runs. Loading it gives tensors their display method and lets the kernel ask. */
import { serveViews } from "./live.js";
import "./devices/display.js";
import "./errors/display.js";
import "./model/display.js";
import "./profile/display.js";
import "./tensor/display.js";

export { displayTensor } from "./tensor/display.js";
export { gradFlow, GradientView, type HasParameters } from "./gradients/view.js";
export type { GradientLimits } from "./gradients/rows.js";

export { track, Run, type LogOptions, type StepsOptions, type TrackOptions } from "./run/run.js";

serveViews();
