/** Views of tensors and gradients. Loading it gives tensors their display method and lets the kernel ask. */
import { serveViews } from "./live.js";
import "./tensor-display.js";

export { displayTensor } from "./tensor-display.js";
export { gradFlow, GradientView, type HasParameters } from "./gradient-view.js";
export type { GradientLimits } from "./gradient-rows.js";

serveViews();
