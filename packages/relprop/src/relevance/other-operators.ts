/**
 * The operators of ai.onnx (opsets 7 to 28) without a row in the op table, in three lists: those that canonicalization
 * rewrites, those without relevance, and those that are refused, with reasons. A test checks that every operator is either
 * in the table or in exactly one list.
 */

import { isReadAsReal } from "../onnx/quantized-forms.ts";

/** A sentence, and the operators that it describes. */
type Group = readonly [sentence: string, operators: string];

const listOf = (groups: readonly Group[]): ReadonlyMap<string, string> =>
  new Map(
    groups.flatMap(([sentence, operators]) => operators.split(" ").map((name) => [name, sentence] as const)),
  );

const quantizedSentence =
  "it computes with whole numbers that could not be read as the real ones that they stand for: explain the float model it was made from";

const unreadSentence =
  "it computes with whole numbers, and relprop does not know the operator on real ones that it stands for: explain the float model it was made from";

/** Operators that reading or canonicalization rewrites to others. The sentence says why one can remain. */
export const rewrittenOperators: ReadonlyMap<string, string> = listOf([
  ["it is no constant of the file", "Constant"],
  [
    "it could be folded into no layer and is no affine map: it trains, or its parameters are no float32 constants",
    "BatchNormalization",
  ],
  [
    "it could not be written out in the operators of opset 17",
    "Attention DeformConv RotaryEmbedding SwiGLU Swish TensorScatter",
  ],
  ["it is an older form of ScatterElements that could not be brought up to date", "Scatter"],
  ["it is an older form of Resize that could not be brought up to date", "Upsample"],
  ["it is Slice and Pad, and its sizes are known only at run time", "CenterCropPad"],
]);

/**
 * Operators whose derivative is zero: their output does not depend on the values of their inputs, or jumps between yes and
 * no or from index to index. Relevance ends there, and their outputs count as constants.
 */
export const operatorsWithoutRelevance: ReadonlyMap<string, string> = listOf([
  ["gives sizes, not values", "Shape Size ConstantOfShape EyeLike SequenceLength OptionalHasElement"],
  ["gives yes or no", "Equal Greater GreaterOrEqual Less LessOrEqual IsInf IsNaN And Or Xor Not"],
  ["computes with bits", "BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor"],
  ["gives indices", "ArgMax ArgMin NonZero NonMaxSuppression"],
  ["gives random numbers", "RandomNormal RandomNormalLike RandomUniform RandomUniformLike"],
  ["gives a table of numbers", "BlackmanWindow HammingWindow HannWindow MelWeightMatrix"],
  ["works on text", "RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer"],
  ["gives an empty sequence", "SequenceEmpty"],
]);

/** Operators that relevance cannot cross, and why. */
export const refused: ReadonlyMap<string, string> = listOf([
  [
    "it is a step, and a step has no slope to send relevance along",
    "Ceil Floor Round Sign Hardmax OneHot Range",
  ],
  ["it is random: its output is no function of its input", "Bernoulli Multinomial"],
  [
    quantizedSentence,
    "ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul QuantizeLinear",
  ],
  ["it reads an image at computed places, and relevance has no rule for that yet", "MaxRoiPool"],
  ["it sorts out what is there twice, and how much it gives is known only at run time", "Unique"],
  [
    "it gives coordinates, and relevance has no rule for that yet: explain the tensor before it",
    "AffineGrid",
  ],
  ["it reads a file, and relevance goes to pixels: give the image as a tensor", "ImageDecoder"],
  ["relevance has no rule for it yet", "CumProd Det"],
  ["it is recurrent, and relevance has no rule for that yet", "CausalConvWithState LinearAttention"],
  [
    "it has a graph inside that could not be written out, and relevance has no rule for that",
    "If Loop Scan SequenceMap",
  ],
  [
    "it works on sequences of tensors whose length or positions depend on the input, or on optional ones",
    "ConcatFromSequence Optional OptionalGetElement SequenceAt SequenceConstruct SequenceErase SequenceInsert SplitToSequence",
  ],
  [
    "it is a loss, not an output: explain the tensor before it",
    "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
  ],
  ["its type is that of another tensor: export it as Cast", "CastLike"],
]);

/** Operators of ai.onnx.ml that are no layers, and why. */
const classicRefusals: ReadonlyMap<string, string> = listOf([
  [
    "trees have no relevance propagation: they compare features with thresholds, and have no layers; TreeSHAP explains them (shap in Python)",
    "TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor",
  ],
  [
    "it is a support vector machine with another kernel than the linear one, or for one class: it compares samples, and has no layers",
    "SVMRegressor",
  ],
  [
    "its scores are no scores of its classes: they are fitted to pairs of classes, or those of two classes stand in the opposite order",
    "SVMClassifier",
  ],
  [
    "it looks things up, and relevance has no rule for that: explain the tensor behind it",
    "CategoryMapper DictVectorizer LabelEncoder OneHotEncoder",
  ],
]);

/** Whether relprop says why an operator of another domain than ONNX's own has no row. */
export const isExplained = ({
  opType,
  domain,
}: {
  readonly opType: string;
  readonly domain: string;
}): boolean => domain === "ai.onnx.ml" && classicRefusals.has(opType);

/** Whether relevance ends at the node because its derivative is zero. */
export const endsRelevance = (node: { readonly opType: string; readonly domain: string }): boolean =>
  node.domain === "" && operatorsWithoutRelevance.has(node.opType);

/** Operators of com.microsoft that relevance cannot cross, and why. */
export const refusedContrib: ReadonlyMap<string, string> = listOf([
  [
    "it computes on texts without their padding, and runs on CUDA alone: explain the file from before the padding was removed",
    "PackedAttention PackedMultiHeadAttention RemovePadding RestorePadding",
  ],
  [
    "which experts it takes is computed inside, and relevance has no rule for that yet: export the model without fused experts",
    "MoE",
  ],
  [
    "which blocks of keys it sees is written in tables of its own, and relevance has no rule for that yet: export the model with plain attention",
    "LongformerAttention SparseAttention",
  ],
  [
    "whether it uses a cache is computed at run time: export the model with a newer version of ONNX Runtime, or without its optimisations",
    "DecoderAttention",
  ],
  [
    "it generates a whole text inside: explain the decoder that it was made from, and let relprop generate (--generate)",
    "BeamSearch GreedySearch Sampling WhisperBeamSearch",
  ],
  ["it reads an image at computed places, and relevance has no rule for that yet", "CropAndResize"],
]);

/** Operators of com.microsoft that compute with integers. */
const isQuantized = (opType: string): boolean => /^Q(?!uick)|Quant|Integer|NBits|Bnb4/.test(opType);

/** Whether an operator without a row is in no list, and not one of ONNX Runtime's. */
export const isUnknown = ({
  opType,
  domain,
}: {
  readonly opType: string;
  readonly domain: string;
}): boolean =>
  !domain.startsWith("com.microsoft") &&
  (domain !== "" ||
    ![refused, rewrittenOperators, operatorsWithoutRelevance].some((list) => list.has(opType)));

/** Why relevance cannot cross a node that has no row, as a sentence about the node. */
export function refusalOf(node: { readonly opType: string; readonly domain: string }): string {
  const isStandard = node.domain === "" || node.domain === "relprop";
  const sentence = isStandard ? (refused.get(node.opType) ?? rewrittenOperators.get(node.opType)) : undefined;
  const name = isStandard ? node.opType : `${node.domain}.${node.opType}`;
  if (node.domain.startsWith("com.microsoft")) {
    if (isReadAsReal(node)) return quantizedSentence;
    const known = refusedContrib.get(node.opType);
    if (known !== undefined) return known;
    if (isQuantized(node.opType)) return unreadSentence;
    return `${name} comes from ONNX Runtime's optimiser: explain the file from before it was optimised`;
  }
  const classic = node.domain === "ai.onnx.ml" ? classicRefusals.get(node.opType) : undefined;
  return sentence ?? classic ?? `relevance has no rule for ${name} yet`;
}
