/** Operators with a graph inside. */

import { wrapped } from "../axis.ts";
import { type Dim, type TensorInfo, graphAttribute, intsAttribute, numberAttribute } from "../graph.ts";
import type { InferInner, Operators, ShapeRule } from "./operator.ts";

/**
 * Scan: states keep their types and sizes; what rounds collect is stacked along a new axis. Its sizes must follow from the
 * inputs, and not from what the body takes from around it.
 */
const scan: ShapeRule = (node, inputs, inferInner?: InferInner) => {
  const body = graphAttribute(node, "body");
  const scanned = numberAttribute(node, "num_scan_inputs", 0);
  const given = inputs.length - scanned;
  if (!body || !inferInner || given < 0 || body.inputs.length !== inputs.length) return undefined;
  const option = (name: string, i: number): number => intsAttribute(node, name)?.[i] ?? 0;
  let rounds: Dim | undefined;
  const inner = inputs.map((info, i): TensorInfo | undefined => {
    if (!info) return undefined;
    if (i < given) return { dataType: info.dataType, shape: info.shape };
    const axis = wrapped(option("scan_input_axes", i - given), info.shape.length);
    rounds ??= info.shape[axis];
    return { dataType: info.dataType, shape: info.shape.toSpliced(axis, 1) };
  });
  const results = inferInner(body, inner, inner.slice(0, given));
  const outputs = node.outputs.map((_, i): TensorInfo | undefined => {
    if (i < given) return inner[i];
    const part = results[i];
    if (!part || rounds === undefined) return undefined;
    const axis = wrapped(option("scan_output_axes", i - given), part.shape.length + 1);
    return { dataType: part.dataType, shape: part.shape.toSpliced(axis, 0, rounds) };
  });
  return outputs.every((info) => info !== undefined) ? outputs : undefined;
};

export const control: Operators = { Scan: { shape: scan } };
