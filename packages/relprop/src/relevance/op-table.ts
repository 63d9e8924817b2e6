/**
 * How relevance crosses each operator: one row per operator, in the words of row-kinds.ts. The graph that arrives
 * here is canonical: opset 17, batch-norms folded or written as `Affine`, MatMul + Add as `Linear`, Dropout gone.
 */

import type { Node } from "../onnx/graph.ts";
import * as f from "./ops/activations.ts";
import { averagedConvolution, convolution, transposedConvolution } from "./ops/convolution.ts";
import * as d from "./ops/dense.ts";
import * as fn from "./ops/functions.ts";
import { add, extreme, mean, multiply, subtract } from "./ops/joins.ts";
import * as move from "./ops/layout.ts";
import * as lengths from "./ops/lengths.ts";
import { maxPool } from "./ops/max-pooling.ts";
import * as n from "./ops/normalization.ts";
import * as blocks from "./ops/blocks.ts";
import * as pick from "./ops/picking.ts";
import * as pool from "./ops/pooling.ts";
import * as copy from "./ops/repeating.ts";
import { refusesResize, resizeForm, unresize, weighsUp } from "./ops/resampling.ts";
import * as scatter from "./ops/scattering.ts";
import { refusesOpenSlice, unslice } from "./ops/slicing.ts";
import * as product from "./ops/products.ts";
import { fakeQuantize, quantizesToPositive } from "./ops/quantization.ts";
import * as reduce from "./ops/reductions.ts";
import * as soft from "./ops/softmax.ts";
import {
  activation,
  always,
  average,
  forms,
  gate,
  ifInputsAre,
  ifPartsAre,
  linear,
  matrixProduct,
  maximum,
  measure,
  normalization,
  quotient,
  routing,
  softmax,
  splitting,
  sum,
  type Forms,
  type Row,
  type Site,
} from "./row-kinds.ts";

const computedWeights = (site: Site): string | undefined => d.refusesComputedWeights(site, 1);
const withPositiveSlope = { nonNegative: ifInputsAre };
/** The largest of several cannot be negative if one of them cannot. */
const anyIsNonNegative = (site: Site): boolean =>
  site.inputs.some((value) => value !== undefined && site.isNonNegative(value));
const neverNegative = { nonNegative: always };
/** Its second input says along which axes: it is no part of the output. */
const alongAxes = {
  parts: [0],
  nonNegative: ifPartsAre([0]),
  refuses: reduce.refusesOpenAxes,
  filtered: false,
};

const extremeElement = { pullBack: reduce.reduceExtreme, averaged: reduce.averagedExtreme };

export const opTable = {
  // Linear layers: rules modify input, weights and denominator.
  Conv: linear(
    "convolution",
    { operator: convolution, averaged: averagedConvolution },
    { refuses: computedWeights },
  ),
  ConvTranspose: linear("convolution", { operator: transposedConvolution }, { refuses: computedWeights }),
  Gemm: linear("dense", { operator: d.gemm }, { refuses: d.refusesGemm }),
  Linear: linear("dense", { operator: d.dense }),
  MatMul: linear("dense", { operator: d.matmul, input: d.computedSide }, { refuses: d.refusesVector }),
  Affine: linear("affine", { operator: d.affine }),

  Einsum: linear(
    "dense",
    { operator: product.einsum, input: product.computedOperand },
    { refuses: product.refusesWeightlessEinsum },
  ),

  // Sums and products of tensors.
  Add: sum(add, { nonNegative: ifInputsAre }),
  Sum: sum(add, { nonNegative: ifInputsAre }),
  Sub: sum(subtract),
  Mean: sum(mean, { nonNegative: ifInputsAre }),
  Mul: gate(multiply),
  Div: quotient(product.divide),
  Product: matrixProduct(product.matrixProduct, { refuses: d.refusesVector }),
  Contraction: matrixProduct(product.contraction, { refuses: product.refusesEinsum }),

  // Softmax and normalisations inside of the model.
  Softmax: softmax(
    { pullBack: soft.softmax, pullBackLog: soft.softmaxLog, active: soft.unmasked, finite: soft.finite },
    { ...neverNegative, gates: true },
  ),
  LogSoftmax: softmax({ pullBack: soft.logSoftmax }),
  LayerNormalization: normalization(n.layerNormalization, { refuses: n.refusesComputedScale, gives: [0] }),
  RMSNormalization: normalization(n.rmsNormalization, { refuses: n.refusesComputedScale }),
  InstanceNormalization: normalization(n.instanceNormalization, { refuses: n.refusesComputedScale }),
  GroupNormalization: normalization(n.groupNormalization, { refuses: n.refusesComputedScale }),
  MeanVarianceNormalization: normalization(n.meanVarianceNormalization),
  LpNormalization: normalization(lengths.lpNormalization, withPositiveSlope),
  LRN: normalization(lengths.responseNormalization, withPositiveSlope),

  // Averages and maxima.
  AveragePool: average(pool.averagePool),
  GlobalAveragePool: average(pool.globalAveragePool),
  LpPool: average(pool.lpPool, neverNegative),
  GlobalLpPool: average(pool.globalLpPool, neverNegative),
  ReduceMean: average(reduce.reduceMean, { refuses: reduce.refusesOpenAxes }),
  ReduceSum: average(reduce.reduceSum, alongAxes),
  CumSum: average(reduce.cumulativeSum, { parts: [0], nonNegative: ifPartsAre([0]), filtered: false }),
  ReduceL1: measure({ pullBack: reduce.reduceL1 }, { ...alongAxes, ...neverNegative }),
  ReduceL2: measure({ pullBack: reduce.reduceL2 }, { ...alongAxes, ...neverNegative }),
  ReduceSumSquare: measure(
    { pullBack: reduce.reduceSumSquare, frozen: reduce.frozenSquares },
    { ...alongAxes, ...neverNegative },
  ),
  ReduceProd: measure(
    { pullBack: reduce.reduceProd, pullBackLog: reduce.equalToAll, active: reduce.onesOfInput },
    alongAxes,
  ),
  ReduceLogSum: measure(
    { pullBack: reduce.reduceLogSum, pullBackLog: reduce.reduceLogSum },
    { refuses: reduce.refusesOpenAxes },
  ),
  ReduceLogSumExp: measure(
    { pullBack: reduce.reduceLogSumExp, pullBackLog: reduce.wholeToAll, active: reduce.softmaxOf },
    { refuses: reduce.refusesOpenAxes },
  ),
  ReduceMax: maximum(extremeElement, { ...alongAxes, filtered: true }),
  ReduceMin: maximum(extremeElement, { ...alongAxes, filtered: true }),
  Max: maximum(
    { pullBack: extreme, elementwise: true },
    { joins: true, filtered: false, nonNegative: anyIsNonNegative },
  ),
  Min: maximum({ pullBack: extreme, elementwise: true }, { joins: true, filtered: false }),
  MaxPool: maximum({ pullBack: maxPool, averaged: pool.averagedMaxPool }, { gives: [0] }),
  GlobalMaxPool: maximum({ pullBack: pool.globalMaxPool, averaged: pool.averagedGlobalMaxPool }),

  // Activations, element by element.
  Relu: activation(f.relu, { ...neverNegative, relu: true, rectifier: true, closesBelowZero: always }),
  LeakyRelu: activation(f.leakyRelu, withPositiveSlope),
  PRelu: activation(f.prelu, { nonNegative: ifPartsAre([0]), parameters: () => [1] }),
  Clip: activation(f.clip, {
    nonNegative: f.clipsBelowZero,
    rectifier: true,
    closesBelowZero: f.clipsToZero,
    parameters: () => [1, 2],
  }),
  Elu: activation(f.elu, withPositiveSlope),
  Selu: activation(f.selu, withPositiveSlope),
  Celu: activation(f.celu, withPositiveSlope),
  ThresholdedRelu: activation(f.thresholdedRelu, {
    nonNegative: f.thresholdIsPositive,
    rectifier: true,
    closesBelowZero: f.thresholdIsPositive,
  }),
  Shrink: activation(f.shrink, { nonNegative: f.shrinksToPositive }),
  Softsign: activation(f.softsign, withPositiveSlope),
  Sigmoid: activation(f.sigmoid, { ...neverNegative, gates: true }),
  HardSigmoid: activation(f.hardSigmoid, { ...neverNegative, gates: true }),
  Tanh: activation(f.tanh, withPositiveSlope),
  Softplus: activation(f.softplus, neverNegative),
  HardSwish: activation(f.hardSwish, withPositiveSlope),
  Silu: activation(f.silu, withPositiveSlope),
  Mish: activation(f.mish, withPositiveSlope),
  Gelu: activation(f.gelu, withPositiveSlope),
  FakeQuantize: activation(fakeQuantize, {
    nonNegative: quantizesToPositive,
    rectifier: true,
    parameters: () => [1, 2],
  }),

  // Other functions, element by element.
  Abs: activation(fn.abs, neverNegative),
  Neg: activation(fn.negative),
  Exp: activation(fn.exp, neverNegative),
  Log: activation(fn.log),
  Sqrt: activation(fn.sqrt, neverNegative),
  Reciprocal: activation(fn.reciprocal, withPositiveSlope),
  Pow: activation(fn.pow, { nonNegative: fn.powersArePositive, parameters: fn.shapesPower }),
  Mod: activation(fn.remainder, {
    nonNegative: ifPartsAre([0]),
    parameters: () => [1],
    refuses: fn.refusesWholeRemainder,
  }),
  Erf: activation(fn.erf, withPositiveSlope),
  Sin: activation(fn.sin),
  Cos: activation(fn.cos),
  Tan: activation(fn.tan),
  Asin: activation(fn.asin, withPositiveSlope),
  Acos: activation(fn.acos, neverNegative),
  Atan: activation(fn.atan, withPositiveSlope),
  Sinh: activation(fn.sinh, withPositiveSlope),
  Cosh: activation(fn.cosh, neverNegative),
  Asinh: activation(fn.asinh, withPositiveSlope),
  Acosh: activation(fn.acosh, neverNegative),
  Atanh: activation(fn.atanh, withPositiveSlope),

  // Elements move; relevance moves back.
  Identity: routing(move.unchanged),
  Dropout: routing(move.unchanged, { gives: [0] }),
  Cast: routing(move.uncast, { refuses: move.refusesCast }),
  Flatten: routing(move.unreshape),
  Reshape: routing(move.unreshape),
  Squeeze: routing(move.unreshape),
  Unsqueeze: routing(move.unreshape),
  Transpose: routing(move.untranspose),
  Concat: routing(move.unconcat, { joins: true }),
  Split: splitting(move.unsplit),
  Slice: routing(unslice, { refuses: refusesOpenSlice }),
  Pad: forms(copy.paddingOf, {
    constant: routing(copy.unpad, {
      refuses: copy.refusesOpenPads,
      border: true,
      nonNegative: ifPartsAre([0, 2]),
    }),
    copies: routing(copy.unpadCopies, { refuses: copy.refusesCopies }),
  }),
  DepthToSpace: routing(blocks.undepthToSpace),
  SpaceToDepth: routing(blocks.unspaceToDepth),
  Trilu: routing(blocks.untrilu, { border: true }),
  ReverseSequence: routing(blocks.unreverse),

  // Elements are copied, picked or written; relevance adds up where they came from.
  Expand: routing(copy.unexpand),
  Tile: routing(copy.untile),
  Where: routing(copy.unwhere, { joins: true, elementwise: true, parts: [1, 2] }),
  Gather: routing(pick.ungather, { refuses: pick.refusesIndices }),
  GatherElements: routing(pick.ungatherElements, { refuses: pick.refusesIndices }),
  GatherND: routing(pick.ungatherNd, { refuses: pick.refusesGatherNd }),
  Compress: routing(pick.uncompress, { refuses: pick.refusesOpenCondition }),
  TopK: routing(pick.untopK, { gives: [0] }),
  MaxUnpool: routing(pick.unmaxUnpool, { refuses: pick.refusesGivenShape, border: true }),
  ScatterElements: forms(scatter.reductionOf, {
    none: routing(scatter.unscatterElements, { joins: true, parts: [0, 2] }),
    add: sum(scatter.unaddElements, { nonNegative: ifPartsAre([0, 2]), parts: [0, 2] }),
    other: routing(scatter.unscatterElements, { refuses: scatter.refusesReduction }),
  }),
  ScatterND: forms(scatter.reductionOf, {
    none: routing(scatter.unscatterNd, { joins: true, parts: [0, 2] }),
    add: sum(scatter.unaddNd, { nonNegative: ifPartsAre([0, 2]), parts: [0, 2] }),
    other: routing(scatter.unscatterNd, { refuses: scatter.refusesReduction }),
  }),
  Col2Im: average(blocks.uncol2im, { filtered: false, parts: [0], nonNegative: ifPartsAre([0]) }),
  Resize: forms(resizeForm, {
    nearest: routing(unresize, { refuses: refusesResize }),
    weighted: average(unresize, {
      refuses: refusesResize,
      filtered: false,
      parts: [0],
      nonNegative: weighsUp,
    }),
  }),
} satisfies Record<string, Row | Forms>;

export type ExplainedOp = keyof typeof opTable;

/** The row of a node's operator, or undefined if there is none. Other domains may mean something else by the same name. */
export function rowOf(node: Pick<Node, "opType" | "domain" | "attributes">): Row | undefined {
  const { opType, domain } = node;
  const isKnown = (domain === "" || domain === "relprop") && Object.hasOwn(opTable, opType);
  const row = isKnown ? (opTable as Readonly<Record<string, Row | Forms>>)[opType] : undefined;
  return row?.kind === "forms" ? row.rows[row.formOf(node)] : row;
}

/** The inputs of a node that relevance can go to, by name: sizes, indices and conditions are none. */
export function relevantInputs(node: Node): readonly string[] {
  const parts = rowOf(node)?.parts;
  return parts ? node.inputs.filter((_, index) => parts.includes(index)) : node.inputs;
}

/** The outputs of a node that relevance can come from, by name: indices and masks are none. */
export function relevantOutputs(node: Node): readonly string[] {
  const gives = rowOf(node)?.gives;
  return gives ? node.outputs.filter((_, index) => gives.includes(index)) : node.outputs;
}
