/** Recurrent layers over sequences. Their steps are never constant, so they have no evaluators. */

import { type Dim, type Node, type TensorInfo, numberAttribute } from "../graph.ts";
import { contradiction, input, showShape } from "./inferring.ts";
import type { Operators, ShapeRule } from "./operator.ts";

/** Inputs: X [T, N, features], W [directions, …], R [directions, …, hidden]. With layout 1 samples come first. */
const recurrent: ShapeRule = (node, inputs) => {
  const [x, weights, recurrence] = [0, 1, 2].map((index) => ofRank3(node, input(node, inputs, index)));
  const isBatchFirst = numberAttribute(node, "layout", 0) === 1;
  const [first = 1, second = 1] = x?.shape ?? [];
  const [steps, samples] = isBatchFirst ? [second, first] : [first, second];
  const directions = weights?.shape[0] ?? 1;
  const hidden = recurrence?.shape[2] ?? 1;
  const last: Dim[] = isBatchFirst ? [samples, directions, hidden] : [directions, samples, hidden];
  const all: Dim[] = isBatchFirst
    ? [samples, steps, directions, hidden]
    : [steps, directions, samples, hidden];
  const dataType = input(node, inputs, 0).dataType;
  return node.outputs.map((_, i): TensorInfo => ({ dataType, shape: i === 0 ? all : last }));
};

function ofRank3(node: Node, info: TensorInfo): TensorInfo {
  if (info.shape.length === 3) return info;
  throw contradiction(node, `it takes tensors of 3 axes, and was given ${showShape(info.shape)}`);
}

export const recurrence: Operators = {
  LSTM: { shape: recurrent },
  GRU: { shape: recurrent },
  RNN: { shape: recurrent },
};
