/**
 * Replaces operators of ai.onnx.ml, which converters of scikit-learn write, by those of ai.onnx. Others of that domain stay,
 * and assigning rules refuses them by name.
 *
 * Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md, and ONNX Runtime where that is silent
 */

import { int, ints, type Node, numberAttribute, stringAttribute } from "../graph.ts";
import { dataTypeCodes } from "../data-types.ts";
import { constantIntegers, float32Tensor } from "../tensor.ts";
import type { Conversion, Converter } from "./conversion.ts";
import { linearClassifier, linearRegressor, svmRegressor } from "./classic-linear.ts";
import { NodeWriter } from "./node-writer.ts";

/** A vector that is an attribute: one number for all features, or one for each. */
function vector(node: Node, to: Conversion, name: string, orElse: number): string {
  const attribute = node.attributes[name];
  const numbers = attribute?.type === "floats" ? attribute.value : [orElse];
  const dims = numbers.length === 1 ? [] : [numbers.length];
  return to.constant(node, name, float32Tensor(numbers, dims));
}

/** Scaler: (x − offset) · scale, as float32. */
const scaler: Converter = (node, to) => {
  const write = new NodeWriter(node, to);
  const centred = write.op("Sub", [write.float32(node.inputs[0]), vector(node, to, "offset", 0)]);
  write.op("Mul", [centred, vector(node, to, "scale", 1)], {}, node.outputs[0]);
  return write.nodes;
};

const alongFeatures = { axes: ints([-1]) };
/** The divisor of a sample, by the name of its norm. */
const norms: Readonly<Record<string, (write: NodeWriter, x: string) => string>> = {
  MAX: (write, x) => write.op("ReduceMax", [x], alongFeatures),
  L1: (write, x) => write.op("ReduceL1", [x], alongFeatures),
  L2: (write, x) => write.op("ReduceL2", [x], alongFeatures),
};

/** Normalizer: each sample divided by its norm; one of norm 0 stays. */
const normalizer: Converter = (node, to) => {
  const norm = norms[stringAttribute(node, "norm", "MAX")];
  if (!norm) return [node];
  const write = new NodeWriter(node, to);
  const x = write.float32(node.inputs[0]);
  const size = norm(write, x);
  const isZero = write.op("Equal", [size, to.number(node, "zero", 0)]);
  const divisor = write.op("Where", [isZero, to.number(node, "one", 1), size]);
  write.op("Div", [x, divisor], {}, node.outputs[0]);
  return write.nodes;
};

/** Imputer: another number for each that is missing. */
const imputer: Converter = (node, to) => {
  const { imputed_value_floats: imputed } = node.attributes;
  // The form for whole numbers has no relevance to lose, and stays.
  const [x = ""] = node.inputs;
  if (imputed?.type !== "floats" || to.info(x)?.dataType !== "float32") return [node];
  const write = new NodeWriter(node, to);
  const missing = numberAttribute(node, "replaced_value_float", 0);
  const isMissing = Number.isNaN(missing)
    ? write.op("IsNaN", [x])
    : write.op("Equal", [x, to.number(node, "missing", missing)]);
  write.op("Where", [isMissing, vector(node, to, "imputed_value_floats", 0), x], {}, node.outputs[0]);
  return write.nodes;
};

/** Binarizer: 1 above a threshold, else 0. */
const binarizer: Converter = (node, to) => {
  const write = new NodeWriter(node, to);
  const x = write.float32(node.inputs[0]);
  const isAbove = write.op("Greater", [
    x,
    to.number(node, "threshold", numberAttribute(node, "threshold", 0)),
  ]);
  write.op("Cast", [isAbove], { to: int(dataTypeCodes.float32) }, node.outputs[0]);
  return write.nodes;
};

/** FeatureVectorizer: the features of all inputs side by side, as float32. */
const featureVectorizer: Converter = (node, to) => {
  if (node.inputs.some((_, i) => to.info(node.inputs[i])?.shape.length !== 2)) return [node];
  const write = new NodeWriter(node, to);
  write.op(
    "Concat",
    node.inputs.map((name) => write.float32(name)),
    { axis: int(1) },
    node.outputs[0],
  );
  return write.nodes;
};

/** ArrayFeatureExtractor: chosen features of each sample. Where the choice is computed, it picks labels, and stays. */
const featureExtractor: Converter = (node, to) => {
  const [x = "", indices = ""] = node.inputs;
  const chosen = to.info(indices);
  const picks = chosen && constantIntegers(chosen);
  if (!picks || (to.info(x)?.shape.length ?? 0) < 2) return [node];
  const write = new NodeWriter(node, to);
  write.op("Gather", [x, write.integers("indices", picks)], { axis: int(-1) }, node.outputs[0]);
  return write.nodes;
};

/** Converters by operator. */
export const classicForms: Readonly<Record<string, Converter>> = {
  ArrayFeatureExtractor: featureExtractor,
  Binarizer: binarizer,
  FeatureVectorizer: featureVectorizer,
  Imputer: imputer,
  LinearClassifier: linearClassifier,
  LinearRegressor: linearRegressor,
  Normalizer: normalizer,
  SVMRegressor: svmRegressor,
  Scaler: scaler,
};
