/** `cg.optim`: optimizers and learning rate schedules, as torch.optim names them. */
export * as lrScheduler from "./lr-scheduler.js";
export { Optimizer, type OptimizerState, type ParamGroup } from "./optimizer.js";
export { SGD, type SGDOptions } from "./sgd.js";
export { Adam, AdamW, type AdamOptions } from "./adam.js";
export { RMSprop, type RMSpropOptions } from "./rmsprop.js";
export { Adagrad, type AdagradOptions } from "./adagrad.js";
