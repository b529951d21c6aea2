/** `cg.nn`: modules, as torch.nn names them. */
export * as functional from "./functional.js";
export * as init from "./init.js";
export * as utils from "./utils.js";
export { Module, type ForwardHook, type ForwardPreHook, type StateDict } from "./module.js";
export { Parameter } from "./parameter.js";
export * from "./layers.js";
export * from "./convolutions.js";
export * from "./normalizations.js";
export * from "./embedding.js";
export * from "./containers.js";
export * from "./attention.js";
export * from "./transformer.js";
export { GRUCell, LSTMCell, RNNCell, type CellOptions, type RNNCellOptions } from "./cells.js";
export { GRU, LSTM, RNN, type RNNOptions, type RecurrentOptions } from "./recurrent.js";
export * from "./activations.js";
export * from "./losses.js";
export * from "./distances.js";
export * from "./padding.js";
