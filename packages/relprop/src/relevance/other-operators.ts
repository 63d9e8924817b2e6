/**
 * The operators of ai.onnx (opsets 7 to 21) that have no row in the op table, in three closed lists: those that
 * canonicalization takes away, those that carry no relevance, and those that are refused, with the reason. With the
 * table's rows, every operator is in exactly one of the four; a test holds the lists to that.
 */

/** A sentence, and the operators that it is true of. */
type Group = readonly [sentence: string, operators: string];

const listOf = (groups: readonly Group[]): ReadonlyMap<string, string> =>
  new Map(
    groups.flatMap(([sentence, operators]) => operators.split(" ").map((name) => [name, sentence] as const)),
  );

/** Operators that reach no rule, since reading or canonicalization makes others of them; else the sentence says why not. */
export const takenAway: ReadonlyMap<string, string> = listOf([
  ["it is no constant of the file", "Constant"],
  [
    "it could be folded into no layer and is no affine map: it trains, or its parameters are no float32 constants",
    "BatchNormalization",
  ],
  [
    "it divides by what depends on the input, or is no constant of the file: relevance has no rule for that yet",
    "Div",
  ],
  ["it is an older form of ScatterElements, for which relevance has no rule yet", "Scatter"],
  ["it is an older form of Resize, for which relevance has no rule yet", "Upsample"],
]);

/**
 * Operators whose output does not change with the values of their inputs, or only by jumps between yes and no, or from
 * one index to another: their derivative is zero. Relevance ends there, and what they give counts as constant.
 */
export const carriesNone: ReadonlyMap<string, string> = listOf([
  ["gives sizes, not values", "Shape Size ConstantOfShape EyeLike SequenceLength OptionalHasElement"],
  ["gives yes or no", "Equal Greater GreaterOrEqual Less LessOrEqual IsInf IsNaN And Or Xor Not"],
  ["computes with bits", "BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor"],
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
    "it is quantized, and relevance needs real numbers: explain the float model it was made from",
    "ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul QuantizeLinear",
  ],
  [
    "it is a function, element by element, that relevance has no rule for yet",
    "Abs Acos Acosh Asin Asinh Atan Atanh Celu Cos Cosh Exp Log Mod Neg Reciprocal Shrink Sin Sinh Softsign Sqrt Tan ThresholdedRelu",
  ],
  [
    "relevance has a rule for it only inside of a GELU or a layer normalisation spelled out, and this is none",
    "Erf Pow",
  ],
  [
    "a softmax inside of the model (attention) has no rule yet; one at its end is stepped over",
    "Softmax LogSoftmax",
  ],
  [
    "its statistics depend on the input, and relevance has no rule for that yet",
    "GroupNormalization InstanceNormalization LRN LayerNormalization LpNormalization MeanVarianceNormalization",
  ],
  ["it picks among tensors, and relevance has no rule for that yet", "Max Min Where"],
  [
    "it averages tensors, and relevance has no rule for that yet: export it as Sum, and Mul by a constant",
    "Mean",
  ],
  [
    "it reduces by other means than sum and mean, and relevance has no rule for that yet",
    "CumSum ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMin ReduceProd ReduceSumSquare",
  ],
  [
    "it pools by other means than maximum and mean, and relevance has no rule for that yet",
    "GlobalLpPool LpPool MaxRoiPool MaxUnpool RoiAlign",
  ],
  [
    "it picks, copies or scatters elements, and relevance has no rule for that yet",
    "Compress Expand Gather GatherElements GatherND ReverseSequence ScatterElements ScatterND Tile TopK Trilu Unique",
  ],
  [
    "it rearranges or resamples an image, and relevance has no rule for that yet",
    "AffineGrid CenterCropPad Col2Im DepthToSpace GridSample ImageDecoder Resize SpaceToDepth",
  ],
  ["relevance has no rule for it yet", "DeformConv Det Einsum"],
  ["it is a spectrum, and relevance has no rule for that yet", "DFT STFT"],
  ["it is recurrent, and relevance has no rule for that yet", "GRU LSTM RNN"],
  [
    "it has a graph inside, and relevance cannot look into it: export the model without control flow",
    "If Loop Scan SequenceMap",
  ],
  [
    "it works on sequences of tensors or on optional ones, not on tensors",
    "ConcatFromSequence Optional OptionalGetElement SequenceAt SequenceConstruct SequenceErase SequenceInsert SplitToSequence",
  ],
  [
    "it is a loss, not an output: explain the tensor before it",
    "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
  ],
  ["its type is that of another tensor: export it as Cast", "CastLike"],
]);

/** Whether relevance ends at the node, as its output does not change with its inputs' values. */
export const endsRelevance = (node: { readonly opType: string; readonly domain: string }): boolean =>
  node.domain === "" && carriesNone.has(node.opType);

/** Why relevance cannot cross a node that has no row, as a sentence about the node. */
export function refusalOf(node: { readonly opType: string; readonly domain: string }): string {
  const isStandard = node.domain === "" || node.domain === "relprop";
  const sentence = isStandard ? (refused.get(node.opType) ?? takenAway.get(node.opType)) : undefined;
  const name = isStandard ? node.opType : `${node.domain}.${node.opType}`;
  return sentence ?? `relevance has no rule for ${name} yet`;
}
