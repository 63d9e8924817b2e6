/**
 * Removes operators that do nothing at inference, y = x, and lets the users of y read x: Dropout outside of training,
 * Identity, Cast to the same type, Pad by 0, and moves whose output provably has the shape and the order of the input.
 */

import { usesOf } from "../onnx/captures.ts";
import { type Graph, type Node, type Value, intsAttribute, numberAttribute } from "../onnx/graph.ts";
import { numbersOf } from "../onnx/tensor.ts";
import { sameShape, scalarOf } from "./constants.ts";
import { type Refuse, type Rewrite, edited, isOnnx } from "./rewrite.ts";

/** Whether a value is a constant whose numbers are all `number`. */
function allAre(graph: Graph, name: string | undefined, number: number): boolean {
  const tensor = name === undefined ? undefined : graph.initializers.get(name);
  return tensor !== undefined && Array.from(numbersOf(tensor)).every((value) => value === number);
}

function isInactiveDropout(node: Node, graph: Graph): boolean {
  if (!isOnnx(node, "Dropout")) return false;
  const [, , training] = node.inputs;
  return training === undefined || training === "" || scalarOf(graph, training) === 0;
}

/** Whether the first output equals the first input, element by element. */
function isNoOp(node: Node, graph: Graph, values: ReadonlyMap<string, Value>): boolean {
  const x = values.get(node.inputs[0] ?? "");
  const y = values.get(node.outputs[0] ?? "");
  switch (node.opType) {
    case "Identity":
      return true;
    case "Dropout":
      return isInactiveDropout(node, graph);
    case "Cast":
      return x !== undefined && x.dataType === y?.dataType;
    case "Pad":
      return allAre(graph, node.inputs[1], 0);
    // These keep the row-major order, so equal shapes mean equal elements.
    case "Reshape":
    case "Flatten":
    case "Squeeze":
    case "Unsqueeze":
    case "Expand":
      return sameShape(x, y);
    case "Tile":
      return allAre(graph, node.inputs[1], 1);
    case "Slice":
      return sameShape(x, y) && (node.inputs[4] === undefined || allAre(graph, node.inputs[4], 1));
    case "Transpose":
      return (
        intsAttribute(node, "perm")?.every((axis, i) => axis === i) ?? (x !== undefined && x.shape.length < 2)
      );
    case "Concat":
    case "Sum":
    case "Mean":
    case "Max":
    case "Min":
      return node.inputs.length === 1;
    default:
      return false;
  }
}

export const dropNoOps: Rewrite = {
  name: "drop-no-ops",
  about: "Dropout, Identity, and casts, pads, copies and moves that change nothing are removed",
  removes: "no-ops",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const uses = usesOf(graph);
    const replace = new Map<Node, readonly Node[]>();
    const rename = new Map<string, string>();
    /** Names that a rename of this pass involves: an edit renames once, not in chains. */
    const busy = new Set<string>();
    for (const node of graph.nodes) {
      if (
        isOnnx(node, "Dropout") &&
        numberAttribute(node, "training_mode", 0) === 0 &&
        !isInactiveDropout(node, graph)
      ) {
        refuse(node, "its input training_mode is not a constant false, so it may be random");
      }
      if (!isOnnx(node, node.opType) || !isNoOp(node, graph, values)) continue;
      const [given = "", second] = node.inputs;
      const [y = "", mask] = node.outputs;
      const x = rename.get(given) ?? given;
      if (
        mask !== undefined &&
        mask !== "" &&
        ((uses.consumers.get(mask)?.length ?? 0) > 0 || uses.isOutput(mask))
      ) {
        refuse(node, `its second output "${mask}" is used`);
        continue;
      }
      if (x === "" || second === y) continue;
      if (!uses.isOutput(y)) {
        rename.set(y, x);
        busy.add(x);
      } else if (!uses.producer.has(given) || uses.isOutput(given) || busy.has(given) || rename.has(given)) {
        // An output that is an input or another output needs its Identity; the next pass removes one that is busy.
        continue;
      } else {
        rename.set(given, y);
        busy.add(given).add(y);
      }
      replace.set(node, []);
    }
    return replace.size === 0 ? graph : edited(graph, { replace, rename });
  },
};
