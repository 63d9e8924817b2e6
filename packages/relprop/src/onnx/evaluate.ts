/**
 * Computes nodes whose inputs are constants: flags, pads, masks, position tables, transposed weights. Operators that
 * move elements copy bytes, so they hold for all element types; floats are computed in float64 and rounded once;
 * int64 is exact. What is not for here (text, float16, random numbers, convolutions) is left to the runtime.
 */

import { fixedDims, type Node, type Tensor, type TensorInfo } from "./graph.ts";
import { tryInfer } from "./infer-shapes.ts";
import { constantInfo } from "./operators/inferring.ts";
import type { Call, Evaluate } from "./operators/operator.ts";
import { operators } from "./operators/table.ts";
import { isFloat, roundingOf, sizeOf, tensorFrom } from "./tensor.ts";
import { inRange } from "../size-limit.ts";

/** The largest tensor that is computed, wanted or on the way to what is wanted. */
const maxElements = 4_000_000;

/** The operators that {@link evaluate} computes. */
export const evaluated: readonly string[] = [...operators].flatMap(([opType, operator]) =>
  operator.evaluate ? [opType] : [],
);

/** What shape arithmetic knows of an output, where that is all of it: the sizes that Shape gives. */
function known({ dataType, shape, elements }: TensorInfo): Tensor | undefined {
  const dims = fixedDims(shape);
  if (!dims || !elements?.every((element) => typeof element === "number")) return undefined;
  return elements.every(Number.isFinite) ? tensorFrom(dataType, elements, dims) : undefined;
}

/** What is computed from numbers is no more precise than they are: errors of factors add up, those of summands do not. */
function roundedAs(inputs: readonly (Tensor | undefined)[], output: Tensor): Tensor {
  const rounding = inputs.reduce((sum, input) => sum + (input ? roundingOf(input) : 0), 0);
  return isFloat(output.dataType) && rounding > 2 * roundingOf(output) ? { ...output, rounding } : output;
}

/**
 * The outputs of a node, in their order. `inputs` are aligned with `node.inputs`, undefined where an optional one is
 * absent. Gives undefined if the operator, or an element type, is not computed here.
 * @throws ModelFileError if the inputs contradict the operator
 */
export function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): readonly Tensor[] | undefined {
  if (node.domain !== "" || inputs.some((input) => input?.dataType === "string")) return undefined;
  const outputs = tryInfer(
    node,
    inputs.map((input) => input && constantInfo(input)),
  );
  const { evaluate: compute, measures } = operators.get(node.opType) ?? {};
  if (compute && measures)
    return listOf(compute({ node, inputs, dims: [], dataType: "int64", outputs: outputs ?? [] }));
  const [first] = outputs ?? [];
  const dims = first && fixedDims(first.shape);
  if (!first || !outputs || !dims || sizeOf(dims) > maxElements) return undefined;
  const call: Call = { node, inputs, dims, dataType: first.dataType, outputs };
  if (compute) return listOf(inRange(node, () => compute(call)))?.map((output) => roundedAs(inputs, output));
  const tensors = outputs.map(known);
  return tensors.every((tensor) => tensor !== undefined) ? tensors : undefined;
}

const listOf = (result: ReturnType<Evaluate>): readonly Tensor[] | undefined =>
  result && "bytes" in result ? [result] : result;
