/** Tracks which elements along an axis come from a response, through nodes that move them. */

import { evaluate } from "../onnx/evaluate.ts";
import type { Analysis } from "../relevance/analysis.ts";
import type { Node, Value } from "../onnx/graph.ts";
import { float32Tensor, numbersOf } from "../onnx/tensor.ts";
import { axisOf, placeAfter } from "./axes.ts";
import type { InnerLogits, Logits, Part } from "./logits.ts";

/** The part of a node's output; undefined if no single axis tells its elements apart. */
export function partAfter(
  analysis: Analysis,
  node: Node,
  name: string,
  inner: InnerLogits,
): Part | undefined {
  const parts = analysis.operators.relevantInputs(node).filter((each) => each !== "");
  return parts.length > 1 ? joined(analysis, node, name, inner) : picked(analysis, node, name, inner);
}

/** The part after a concatenation. */
function joined(analysis: Analysis, node: Node, name: string, inner: InnerLogits): Part | undefined {
  const { b } = analysis;
  const row = analysis.operators.rowOf(node);
  const axis = row && axisOf(analysis, node, row, b.value(name));
  if (axis === undefined || row?.family !== "routing") return undefined;
  const isResponse = node.inputs.flatMap((each) => {
    const length = b.value(each).shape[axis];
    return typeof length === "number" ? maskOf(inner.get(each), axis, length) : [undefined];
  });
  if (!isResponse.every((each) => each !== undefined)) return undefined;
  return { axis, isResponse };
}

function maskOf(logits: Logits | undefined, axis: number, length: number): (boolean | undefined)[] {
  if (!logits || logits.isWhole) return Array.from({ length }, () => logits !== undefined);
  return logits.part?.axis === axis ? [...logits.part.isResponse] : [undefined];
}

/** The part after a node that moves or picks elements of one input. */
function picked(analysis: Analysis, node: Node, name: string, inner: InnerLogits): Part | undefined {
  const { b } = analysis;
  const [[input = "", logits] = []] = inner;
  const part = logits?.part;
  if (!part) return undefined;
  const x = b.value(input);
  const kept = placeAfter(analysis, node, input, part.axis);
  if (kept) return kept.outer === 1 && kept.inner === 1 ? { ...part, axis: kept.axis } : undefined;
  const y = b.value(name);
  const marks = y.shape.length === x.shape.length ? moveMarks(node, input, part, y, b) : undefined;
  return marks && { axis: part.axis, isResponse: marks };
}

/** Runs the node on marks along the axis. */
function moveMarks(
  node: Node,
  input: string,
  { axis, isResponse }: Part,
  y: Value,
  b: Analysis["b"],
): boolean[] | undefined {
  const dims = y.shape.map((_, each) => (each === axis ? isResponse.length : 1));
  const marks = float32Tensor(isResponse.map(Number), dims);
  const inputs = node.inputs.map((each) =>
    each === input ? marks : each === "" ? undefined : b.value(each).constant,
  );
  if (node.inputs.some((each, i) => each !== "" && !inputs[i])) return undefined;
  const result = evaluate(node, inputs)?.[node.outputs.indexOf(y.name)];
  if (!result || result.dataType === "string" || result.dims[axis] !== y.shape[axis]) return undefined;
  const numbers = Array.from(numbersOf(result));
  return numbers.length === result.dims[axis] ? numbers.map((n) => n === 1) : undefined;
}
