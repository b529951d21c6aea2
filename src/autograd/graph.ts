/** `cg.autograd.graph`: what happens to the graph itself. */
export { savedTensorsHooks, type SavedTensorHooks } from "./mode.js";
export type { HookHandle, Node } from "./node.js";
