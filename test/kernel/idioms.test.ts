/** Lines as a person who knows PyTorch writes them: each passes the type check and gives what PyTorch gives. */
import { expect, test } from "vitest";
import { kernel } from "./kernel.js";

const started = kernel();

const idioms: { readonly [name: string]: readonly [code: string, result: string] } = {
  "item() is a number": ["let total = 0; total += cg.ones(3).sum().item(); total.toFixed(2)", "'3.00'"],
  "item() is what is asked for": ["const all = cg.ones(3).eq(1).all().item<boolean>(); all === true", "true"],
  "tolist() is taken apart": ["const [[, second]] = cg.arange(4).view(2, 2).tolist(); second", "1"],
  "tolist() is mapped": ["cg.arange(3).tolist().map((x: number) => x * 2)", "[ 0, 2, 4 ]"],
  "the rows of a tensor are iterated": ["[...cg.arange(4).view(2, 2)].map((row) => row.sum().item())", "[ 1, 5 ]"],
  "a layer of a Sequential by its place": ["new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU()).at(0).weight.shape", "[ 3, 2 ]"],
  "layers of a ModuleList, one after another": [
    "let x = cg.ones(1, 2); for (const layer of new nn.ModuleList([new nn.Linear(2, 2), new nn.ReLU()])) x = layer.forward(x); x.shape",
    "[ 1, 2 ]",
  ],
  "a hook knows the output of its module": [
    "let seen: readonly number[] = []; const layer = new nn.Linear(2, 3); layer.registerForwardHook((module, [input], output) => { seen = [...input.shape, ...output.shape, module.outFeatures] }); layer.forward(cg.ones(1, 2)); seen",
    "[ 1, 2, 1, 3, 3 ]",
  ],
  "a model of one's own": [
    "class Net extends nn.Module { fc = new nn.Linear(4, 2); forward(x: cg.Tensor) { return this.fc.forward(x.flatten(1)).relu() } } new Net().forward(cg.ones(3, 2, 2)).shape",
    "[ 3, 2 ]",
  ],
  "a tensor in JSON is its numbers": ["JSON.stringify({ loss: cg.tensor([1, 2]) })", "'{\"loss\":[1,2]}'"],
  "several results by name and by order": [
    "const { values, indices } = cg.tensor([3, 1, 2]).sort(); const [v] = cg.tensor([3, 1, 2]).topk(1); [values.tolist(), indices.tolist(), v.tolist()]",
    "[ [ 1, 2, 3 ], [ 1, 2, 0 ], [ 3 ] ]",
  ],
};

test.each(Object.keys(idioms))("%s", async (name) => {
  const [code, result] = idioms[name]!;
  const cell = await started.client.execute(`import * as cg from "cellgrad"; const { nn } = cg;\n${code}`);
  expect(cell.error).toBeNull();
  expect(cell.result).toBe(result);
});
