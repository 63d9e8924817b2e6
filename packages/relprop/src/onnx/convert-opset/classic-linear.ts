/** The linear models of ai.onnx.ml, support vector regression with a linear kernel among them: `Gemm` and a response function. */

import { floatsAttribute, int, type Node, numberAttribute, stringAttribute } from "../graph.ts";
import { float32Tensor } from "../tensor.ts";
import type { Conversion, Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** A linear map of a sample's features. */
interface LinearMap {
  /** Row by row: one for each score. */
  readonly weights: readonly number[];
  /** One for each score. */
  readonly bias: readonly number[];
}

/** x Wᵀ + b, in float32. */
function scoresOf(node: Node, to: Conversion, write: NodeWriter, { weights, bias }: LinearMap): string {
  const dims = [bias.length, weights.length / bias.length];
  const w = to.constant(node, "weights", float32Tensor(weights, dims));
  const b = to.constant(node, "bias", float32Tensor(bias, [bias.length]));
  return write.op("Gemm", [write.float32(node.inputs[0]), w, b], { transB: int(1) });
}

type Respond = (write: NodeWriter, scores: string, output: string | undefined) => string;
const keep: Respond = (write, scores, output) => write.op("Identity", [scores], {}, output);
/** The response functions by what the attribute `post_transform` calls them. */
const responses: Readonly<Record<string, Respond>> = {
  NONE: keep,
  LOGISTIC: (write, scores, output) => write.op("Sigmoid", [scores], {}, output),
  SOFTMAX: (write, scores, output) => write.op("Softmax", [scores], { axis: int(-1) }, output),
};

/** The map of "yes" if that of "no" is its opposite: converters of scikit-learn write both. */
function opposed({ weights, bias: [no = 0, yes, ...others] }: LinearMap): LinearMap | undefined {
  const half = weights.length / 2;
  const isOpposed = weights.slice(half).every((n, i) => n === -(weights[i] ?? 0));
  if (yes === undefined || others.length > 0 || yes !== -no || !isOpposed) return undefined;
  return { weights: weights.slice(half), bias: [yes] };
}

/** The node for its label, a whole number or a text; none if nobody reads it. */
function labelNode(node: Node, to: Conversion): readonly Node[] {
  const [label = ""] = node.outputs;
  return to.isUsed(label) ? [{ ...node, outputs: [label, to.name(`${node.name}_scores`)] }] : [];
}

/** LinearClassifier: scores of classes. One map for two classes is that of the second. */
export const linearClassifier: Converter = (node, to) => {
  const [, output = ""] = node.outputs;
  const transform = stringAttribute(node, "post_transform", "NONE");
  const map = { weights: floatsAttribute(node, "coefficients"), bias: floatsAttribute(node, "intercepts") };
  const respond = responses[transform];
  if (!respond || output === "" || !isComplete(map)) return [node];
  const write = new NodeWriter(node, to);
  const yes = map.bias.length === 1 ? map : transform === "LOGISTIC" ? opposed(map) : undefined;
  const scores = scoresOf(node, to, write, yes ?? map);
  if (yes) {
    // ONNX Runtime has no softmax for one score, and gives 1 − s to the first class.
    const answer = transform === "LOGISTIC" ? write.op("Sigmoid", [scores]) : scores;
    write.op(
      "Concat",
      [write.op("Sub", [to.number(node, "one", 1), answer]), answer],
      { axis: int(-1) },
      output,
    );
  } else respond(write, scores, output);
  return [...labelNode(node, to), ...write.nodes];
};

const isComplete = ({ weights, bias }: LinearMap): boolean =>
  bias.length > 0 && weights.length > 0 && weights.length % bias.length === 0;

/** LinearRegressor: one value or several. */
export const linearRegressor: Converter = (node, to) => {
  const targets = numberAttribute(node, "targets", 1);
  const transform = stringAttribute(node, "post_transform", "NONE");
  // ONNX Runtime transforms several values only.
  const respond = targets === 1 && transform !== "PROBIT" ? keep : responses[transform];
  const given = floatsAttribute(node, "intercepts");
  const bias = given.length > 0 ? given : Array.from({ length: targets }, () => 0);
  const map = { weights: floatsAttribute(node, "coefficients"), bias };
  if (!respond || bias.length !== targets || !isComplete(map)) return [node];
  const write = new NodeWriter(node, to);
  respond(write, scoresOf(node, to, write, map), node.outputs[0]);
  return write.nodes;
};

/** Σ_j a_j v_j · x + ρ of support vectors v_j, or w · x + ρ; undefined for another kernel than the linear one. */
function machine(node: Node): LinearMap | undefined {
  if (stringAttribute(node, "kernel_type", "LINEAR") !== "LINEAR") return undefined;
  const coefficients = floatsAttribute(node, "coefficients");
  const vectors = floatsAttribute(node, "support_vectors");
  const features = vectors.length / coefficients.length;
  const bias = floatsAttribute(node, "rho");
  if (vectors.length === 0) return { weights: coefficients, bias };
  const weights = Array.from({ length: features }, (_, i) =>
    coefficients.reduce((sum, a, j) => sum + a * (vectors[j * features + i] ?? 0), 0),
  );
  return { weights, bias };
}

/** SVMRegressor with a linear kernel: one value. */
export const svmRegressor: Converter = (node, to) => {
  const map = machine(node);
  const isOther =
    numberAttribute(node, "one_class", 0) === 1 || stringAttribute(node, "post_transform", "NONE") !== "NONE";
  if (!map || isOther || map.bias.length !== 1) return [node];
  const write = new NodeWriter(node, to);
  keep(write, scoresOf(node, to, write, map), node.outputs[0]);
  return write.nodes;
};
