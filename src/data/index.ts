/** `cg.utils.data`: datasets and loaders, as torch.utils.data names them. */
export { Dataset, TensorDataset, Subset, randomSplit } from "./dataset.js";
export { DataLoader, defaultCollate, type Batched, type DataLoaderOptions, type Samples } from "./data-loader.js";
