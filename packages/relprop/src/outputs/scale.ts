/** What the numbers of an output are: probabilities, their logarithms, logits, or values of a kind of their own. */

import { evaluate } from "../canonicalize/evaluate.ts";
import type { Node } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { float32Tensor, numbersOf } from "../onnx/tensor.ts";
import type { Response } from "../relevance/row-kinds.ts";

/** What a number means. Probabilities say what they are: shares of one, or each a question of its own. */
export type Scale =
  | { readonly kind: "probability" | "log-probability"; readonly by: "softmax" | "sigmoid" }
  | { readonly kind: "value"; readonly by?: undefined };

const scales: Readonly<Record<Response, Scale>> = {
  softmax: { kind: "probability", by: "softmax" },
  "log-softmax": { kind: "log-probability", by: "softmax" },
  sigmoid: { kind: "probability", by: "sigmoid" },
  "hard-sigmoid": { kind: "probability", by: "sigmoid" },
  softplus: { kind: "value" },
  exp: { kind: "value" },
};

/** What a response function gives. */
export const scaleOf = (response: Response): Scale => scales[response];

/** Points that tell p, 1 − p and log p apart, and what these are there. */
const points = [0, Math.exp(-1), 1];
const complement = points.map((p) => 1 - p);
const logarithm = points.map(Math.log);

/** A response that is clipped just short of 0 and 1, against infinite losses, is still one. */
const tolerance = 0.01;

/**
 * What a probability is after a function of single elements, found by computing the function at three points.
 * @param input the name of what the node is a function of
 */
export function scaleAfter(scale: Scale, node: Node, input: string, b: GraphBuilder): Scale {
  const inner = node.body?.length === 1 ? (node.body[0] as Node) : node;
  if (scale.kind !== "probability" || inner.domain !== "") return { kind: "value" };
  const images = points.map((p) => {
    const inputs = inner.inputs.map((name) =>
      name === "" ? undefined : name === input ? float32Tensor([p], []) : b.value(name).constant,
    );
    const isKnown = inner.inputs.every((name, i) => name === "" || inputs[i] !== undefined);
    const image = isKnown ? evaluate(inner, inputs)?.[0] : undefined;
    return image && image.dataType !== "string" ? Array.from(numbersOf(image)) : undefined;
  });
  const isLike = (wanted: readonly number[]): boolean =>
    images.every((image, i) => {
      const want = wanted[i] as number;
      return image?.every((y) => (want === -Infinity ? y < -4 : Math.abs(y - want) <= tolerance)) === true;
    });
  if (isLike(points) || isLike(complement)) return scale;
  return isLike(logarithm) ? { kind: "log-probability", by: scale.by } : { kind: "value" };
}
