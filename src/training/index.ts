/** Following a training run: `track`. */
export { track, Run, type LogOptions, type StepsOptions, type TrackOptions } from "./run.js";
export type { Watched } from "./watch.js";
