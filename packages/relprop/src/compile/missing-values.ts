/** Whether a model replaces missing values (NaN) of an input itself, as scikit-learn's imputers do. */

import { readBy } from "../onnx/captures.ts";
import { convertOpset } from "../onnx/convert-opset.ts";
import { operatorKey, type Model, type Node } from "../onnx/graph.ts";

/** What moves numbers, those that are missing included. */
const moves = new Set(
  [
    "Cast",
    "Concat",
    "Flatten",
    "Gather",
    "Identity",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
  ].map((each) => `ai.onnx/${each}`),
);
/** What reads sizes, or asks what is missing. */
const asks = new Set(["IsNaN", "Shape", "Size"].map((each) => `ai.onnx/${each}`));

/** Whether every number of an input is replaced where it is NaN: all ways lead into a Where that IsNaN of the same numbers decides. */
export function replacesMissing(model: Model, input: string): boolean {
  const { nodes, outputs } = convertOpset(model).graph;
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const carriers = new Set([input]);
  const isReplaced = ({ inputs: [condition = "", yes = "", no = ""] }: Node): boolean => {
    const test = makers.get(condition);
    return (
      test !== undefined &&
      operatorKey(test) === "ai.onnx/IsNaN" &&
      test.inputs[0] === no &&
      !carriers.has(yes)
    );
  };
  let isAny = false;
  for (const node of nodes) {
    if (!readBy(node).some((name) => carriers.has(name))) continue;
    const key = operatorKey(node);
    if (asks.has(key)) continue;
    if (moves.has(key)) for (const name of node.outputs) carriers.add(name);
    else if (key === "ai.onnx/Where" && isReplaced(node)) isAny = true;
    else return false;
  }
  return isAny && !outputs.some(({ name }) => carriers.has(name));
}
