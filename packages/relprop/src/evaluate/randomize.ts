/** The same network with other weights, for tests of whether maps depend on them. */

import type { Model, Tensor } from "../onnx/graph.ts";
import { elementSize } from "../onnx/tensor.ts";
import { shuffled, uniformNumbers } from "../random.ts";
import { sure } from "../sure.ts";

/** Types of weights; whole numbers of more bits are sizes and indices. */
const weightTypes: ReadonlySet<string> = new Set([
  "float32",
  "float64",
  "float16",
  "bfloat16",
  "int8",
  "uint8",
]);

const isWeight = ({ dataType, dims }: Tensor): boolean =>
  weightTypes.has(dataType) && dims.reduce((product, n) => product * n, 1) > 1;

/**
 * The model with the weights of its last layers in random order: each tensor keeps its numbers, so its mean and spread, and
 * variances stay above 0. The graph is the same.
 * @param share how many of the nodes with weights, from the output on: 1 are all
 */
export function randomized(model: Model, share: number, seed: number): Model {
  const { nodes, initializers } = model.graph;
  const layers = nodes
    .map(({ inputs }) => inputs.filter((name) => isWeightOf(initializers.get(name))))
    .filter((names) => names.length > 0);
  const changed = new Map(initializers);
  const uniform = uniformNumbers(seed);
  const last = Math.round(share * layers.length);
  for (const name of new Set(layers.toReversed().slice(0, last).flat()))
    changed.set(name, inRandomOrder(sure(initializers.get(name)), uniform));
  return { ...model, graph: { ...model.graph, initializers: changed } };
}

const isWeightOf = (tensor: Tensor | undefined): boolean => tensor !== undefined && isWeight(tensor);

function inRandomOrder({ dataType, dims, bytes }: Tensor, uniform: () => number): Tensor {
  const size = elementSize[dataType];
  const order = shuffled(bytes.length / size, uniform);
  const moved = new Uint8Array(bytes.length);
  for (let i = 0; i < order.length; i++) {
    const from = sure(order[i]) * size;
    for (let byte = 0; byte < size; byte++) moved[i * size + byte] = sure(bytes[from + byte]);
  }
  return { dataType, dims, bytes: moved };
}
