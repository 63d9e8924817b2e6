/**
 * What a network's first batch-norm has seen in training, and what it sees of a picture. Its running mean and variance are
 * those of its input over the training set, so pictures that were preprocessed as in training give about the same.
 */

import { readBy } from "../onnx/captures.ts";
import { numbersOf } from "../onnx/tensor.ts";
import { numberAttribute, operatorKey, type Model, type Node, type Tensor } from "../onnx/graph.ts";
import { prune } from "../onnx/prune.ts";

/** A network's first batch-norm. */
export interface FirstNorm {
  /** The network up to it: its only output is what the batch-norm is given, [N, C, …]. */
  readonly model: Model;
  /** Running mean of each channel. */
  readonly mean: readonly number[];
  /** Running variance of each channel, with the batch-norm's epsilon. */
  readonly variance: readonly number[];
}

/** Networks whose first batch-norm comes after more operations than these say little about their input. */
const most = 24;

/**
 * Finds the first batch-norm behind an input.
 * @param input name of the picture's input
 * @returns undefined if there is none, its statistics are not in the file, or it needs other inputs, too
 */
export function firstNorm(model: Model, input: string): FirstNorm | undefined {
  const { graph } = model;
  const behind = new Set([input]);
  for (const node of graph.nodes) {
    if (!readBy(node).some((name) => behind.has(name))) continue;
    const found = statisticsOf(node, graph.initializers);
    if (found && behind.has(found.of)) {
      const output = { name: found.of, dataType: "float32" as const, shape: [] };
      const cut = prune({ ...graph, outputs: [output] });
      const read = new Set(cut.nodes.flatMap(readBy));
      const inputs = graph.inputs.filter(({ name }) => read.has(name) || name === input);
      const needsMore = inputs.some(({ name }) => name !== input && !graph.initializers.has(name));
      if (needsMore || cut.nodes.length > most) return undefined;
      return { ...found, model: { ...model, graph: { ...cut, inputs, hints: new Map() } } };
    }
    for (const name of node.outputs) behind.add(name);
  }
  return undefined;
}

/** What a node normalises by numbers that the file has. */
function statisticsOf(
  node: Node,
  initializers: ReadonlyMap<string, Tensor>,
): { readonly of: string; readonly mean: number[]; readonly variance: number[] } | undefined {
  if (operatorKey(node) !== "ai.onnx/BatchNormalization") return undefined;
  const [of = "", , , meanName = "", varianceName = ""] = node.inputs;
  const [mean, variance] = [initializers.get(meanName), initializers.get(varianceName)];
  if (!mean || !variance) return undefined;
  const epsilon = numberAttribute(node, "epsilon", 1e-5);
  return {
    of,
    mean: Array.from(numbersOf(mean)),
    variance: Array.from(numbersOf(variance), (each) => each + epsilon),
  };
}

/** How a picture's numbers compare to those of the training. */
export interface SeenByNorm {
  /** Root mean square distance to the running means, in running deviations: about 1 in training. Median over channels. */
  readonly distance: number;
  /** Variance over the picture, as a share of the running variance. Median over channels. */
  readonly contrast: number;
}

/**
 * Compares what the batch-norm is given to what it has seen.
 * @param data of the model's output, for one picture
 * @param dims [1, C, …]
 */
export function seenByNorm(
  { mean, variance }: Pick<FirstNorm, "mean" | "variance">,
  data: ArrayLike<number>,
  dims: readonly number[],
): SeenByNorm {
  const channels = dims[1] ?? 1;
  const places = data.length / channels;
  const each = Array.from({ length: channels }, (_, c) => {
    let [sum, squares] = [0, 0];
    for (let i = c * places; i < (c + 1) * places; i++) {
      const difference = (data[i] ?? 0) - (mean[c] ?? 0);
      sum += difference;
      squares += difference ** 2;
    }
    const [first, second] = [sum / places, squares / places];
    const usual = variance[c] ?? 1;
    return { distance: Math.sqrt(second / usual), contrast: Math.max(0, second - first ** 2) / usual };
  });
  return {
    distance: median(each.map(({ distance }) => distance)),
    contrast: median(each.map(({ contrast }) => contrast)),
  };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
