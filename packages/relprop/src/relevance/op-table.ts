/**
 * The op table: how relevance crosses each operator. The kinds of row are in row-kinds.ts. Graphs are canonical here:
 * opset 17, batch norms folded or written as `Affine`, MatMul + Add as `Linear`, without Dropout.
 */

import * as f from "./ops/activations.ts";
import * as axes from "./ops/axes.ts";
import { averagedConvolution, convolution, transposedConvolution } from "./ops/convolution.ts";
import * as d from "./ops/dense.ts";
import * as fn from "./ops/functions.ts";
import { add, extreme, factorTrend, mean, multiply, subtract, sumTrend } from "./ops/joins.ts";
import * as move from "./ops/layout.ts";
import * as lengths from "./ops/lengths.ts";
import { maxPool } from "./ops/max-pooling.ts";
import * as n from "./ops/normalization.ts";
import * as blocks from "./ops/blocks.ts";
import * as pick from "./ops/picking.ts";
import * as pool from "./ops/pooling.ts";
import * as copy from "./ops/repeating.ts";
import { refusesResize, resizeForm, unresize, weighedRange, isResizeNonNegative } from "./ops/resampling.ts";
import * as scatter from "./ops/scattering.ts";
import { refusesOpenSlice, unslice } from "./ops/slicing.ts";
import * as product from "./ops/products.ts";
import { fakeQuantize, quantizesToPositive } from "./ops/quantization.ts";
import * as range from "./ops/ranges.ts";
import * as reduce from "./ops/reductions.ts";
import * as soft from "./ops/softmax.ts";
import {
  activation,
  always,
  average,
  falling,
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
  rising,
  routing,
  softmax,
  splitting,
  sum,
  type Forms,
  type Row,
} from "./row-kinds.ts";
import { aligned, type Site } from "./site.ts";

const computedWeights = (site: Site): string | undefined => d.refusesComputedWeights(site, 1);
const withPositiveSlope = { nonNegative: ifInputsAre };
/** A maximum cannot be negative if one of its inputs cannot. */
const anyIsNonNegative = (site: Site): boolean =>
  site.inputs.some((value) => value !== undefined && site.isNonNegative(value));
const neverNegative = { nonNegative: always };
/** Options of reductions whose second input is the axes. */
const alongAxes = {
  keepsAxis: axes.throughReduction(reduce.knownAxes),
  parts: [0],
  nonNegative: ifPartsAre([0]),
  refuses: reduce.refusesOpenAxes,
  filtered: false,
};

/** Options of reductions whose axes are an attribute. */
const reducing = {
  refuses: reduce.refusesOpenAxes,
  keepsAxis: axes.throughReduction(reduce.knownAxes),
};
const alongLast = { keepsAxis: axes.allBut(axes.namedAxis(-1)) };
const pooling = { keepsAxis: axes.batchAndChannels };
const pickingAlong = { keepsAxis: axes.allBut(axes.namedAxis(0)) };
const compressing = { keepsAxis: axes.allBut(axes.axisIfNamed) };
const reshaping = { keepsAxis: axes.throughReshape };

const extremeElement = { pullBack: reduce.reduceExtreme, averaged: reduce.averagedExtreme };

export const opTable = {
  // Linear layers: rules modify input, weights and denominator.
  Conv: linear(
    "convolution",
    { operator: convolution, averaged: averagedConvolution },
    { refuses: computedWeights, keepsAxis: axes.batchOnly },
  ),
  ConvTranspose: linear(
    "convolution",
    { operator: transposedConvolution },
    { refuses: computedWeights, keepsAxis: axes.batchOnly },
  ),
  Gemm: linear("dense", { operator: d.gemm }, { refuses: d.refusesGemm, keepsAxis: axes.throughGemm }),
  Linear: linear("dense", { operator: d.dense }, { keepsAxis: axes.throughProduct }),
  MatMul: linear(
    "dense",
    { operator: d.matmul, input: d.computedSide },
    { refuses: d.refusesVector, keepsAxis: axes.throughProduct },
  ),
  Affine: linear(
    "affine",
    { operator: d.affine },
    { keepsAxis: aligned, trend: d.affineTrend, range: range.mapped },
  ),

  Einsum: linear(
    "dense",
    { operator: product.einsum, input: product.computedOperand },
    { refuses: product.refusesWeightlessEinsum, keepsAxis: product.throughEinsum },
  ),

  // Sums and products of tensors.
  Add: sum(add, { nonNegative: ifInputsAre, trend: sumTrend([1, 1]), range: range.added }),
  Sum: sum(add, { nonNegative: ifInputsAre, range: range.added }),
  Sub: sum(subtract, { trend: sumTrend([1, -1]), range: range.subtracted }),
  Mean: sum(mean, { nonNegative: ifInputsAre, range: range.asParts(undefined) }),
  Mul: gate(multiply, { trend: factorTrend, range: range.multiplied }),
  Div: quotient(product.divide, { trend: product.quotientTrend, range: range.divided }),
  Product: matrixProduct(product.matrixProduct, {
    refuses: d.refusesVector,
    keepsAxis: axes.throughProduct,
  }),
  Contraction: matrixProduct(product.contraction, {
    refuses: product.refusesEinsum,
    keepsAxis: product.throughEinsum,
  }),

  // Softmax and normalisations inside of the model.
  Softmax: softmax(
    { pullBack: soft.softmax, pullBackLog: soft.softmaxLog, active: soft.unmasked, finite: soft.finite },
    { ...neverNegative, ...alongLast, gates: true, response: "softmax" },
  ),
  LogSoftmax: softmax({ pullBack: soft.logSoftmax }, { ...alongLast, response: "log-softmax" }),
  LayerNormalization: normalization(n.layerNormalization, {
    refuses: n.refusesComputedScale,
    gives: [0],
    keepsAxis: axes.allBut(n.normalizedAxes),
  }),
  RMSNormalization: normalization(n.rmsNormalization, {
    refuses: n.refusesComputedScale,
    keepsAxis: axes.allBut(n.normalizedAxes),
  }),
  InstanceNormalization: normalization(n.instanceNormalization, {
    refuses: n.refusesComputedScale,
    keepsAxis: axes.allBut(axes.axesFrom(2)),
  }),
  GroupNormalization: normalization(n.groupNormalization, {
    refuses: n.refusesComputedScale,
    keepsAxis: axes.allBut(axes.axesFrom(1)),
  }),
  MeanVarianceNormalization: normalization(n.meanVarianceNormalization, {
    keepsAxis: axes.allBut(n.standardizedAxes),
  }),
  LpNormalization: normalization(lengths.lpNormalization, { ...withPositiveSlope, ...alongLast }),
  LRN: normalization(lengths.responseNormalization, {
    ...withPositiveSlope,
    keepsAxis: axes.allBut(() => [1]),
  }),

  // Averages and maxima.
  AveragePool: average(pool.averagePool, { ...pooling, range: range.asInput }),
  GlobalAveragePool: average(pool.globalAveragePool, { ...pooling, range: range.asInput }),
  LpPool: average(pool.lpPool, { ...neverNegative, ...pooling }),
  GlobalLpPool: average(pool.globalLpPool, { ...neverNegative, ...pooling }),
  ReduceMean: average(reduce.reduceMean, { ...reducing, range: range.asInput }),
  ReduceSum: average(reduce.reduceSum, alongAxes),
  CumSum: average(reduce.cumulativeSum, {
    parts: [0],
    nonNegative: ifPartsAre([0]),
    filtered: false,
    keepsAxis: axes.allBut(axes.axesInInput(1)),
  }),
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
  ReduceLogSum: measure({ pullBack: reduce.reduceLogSum, pullBackLog: reduce.reduceLogSum }, reducing),
  ReduceLogSumExp: measure(
    { pullBack: reduce.reduceLogSumExp, pullBackLog: reduce.wholeToAll, active: reduce.softmaxOf },
    reducing,
  ),
  ReduceMax: maximum(extremeElement, { ...alongAxes, filtered: true }),
  ReduceMin: maximum(extremeElement, { ...alongAxes, filtered: true }),
  Max: maximum(
    { pullBack: extreme, elementwise: true },
    { joins: true, filtered: false, nonNegative: anyIsNonNegative, keepsAxis: aligned },
  ),
  Min: maximum(
    { pullBack: extreme, elementwise: true },
    { joins: true, filtered: false, keepsAxis: aligned },
  ),
  MaxPool: maximum({ pullBack: maxPool, averaged: pool.averagedMaxPool }, { gives: [0], ...pooling }),
  GlobalMaxPool: maximum({ pullBack: pool.globalMaxPool, averaged: pool.averagedGlobalMaxPool }, pooling),

  // Activations, element by element.
  Relu: activation(f.relu, {
    ...neverNegative,
    relu: true,
    rectifier: true,
    closesBelowZero: always,
    trend: rising,
  }),
  LeakyRelu: activation(f.leakyRelu, withPositiveSlope),
  PRelu: activation(f.prelu, { nonNegative: ifPartsAre([0]), parameters: () => [1] }),
  Clip: activation(f.clip, {
    nonNegative: f.clipsBelowZero,
    rectifier: true,
    closesBelowZero: f.clipsToZero,
    parameters: () => [1, 2],
    trend: rising,
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
  Sigmoid: activation(f.sigmoid, { ...neverNegative, gates: true, response: "sigmoid" }),
  HardSigmoid: activation(f.hardSigmoid, { ...neverNegative, gates: true, response: "hard-sigmoid" }),
  Tanh: activation(f.tanh, withPositiveSlope),
  Softplus: activation(f.softplus, { ...neverNegative, response: "softplus" }),
  HardSwish: activation(f.hardSwish, withPositiveSlope),
  Silu: activation(f.silu, withPositiveSlope),
  Mish: activation(f.mish, withPositiveSlope),
  Gelu: activation(f.gelu, withPositiveSlope),
  FakeQuantize: activation(fakeQuantize, {
    trend: rising,
    range: range.asInput,
    nonNegative: quantizesToPositive,
    rectifier: true,
    parameters: () => [1, 2],
  }),

  // Other functions, element by element.
  Abs: activation(fn.abs, neverNegative),
  Neg: activation(fn.negative, { trend: falling, range: range.negated }),
  Exp: activation(fn.exp, { ...neverNegative, response: "exp", trend: rising }),
  Log: activation(fn.log, { trend: rising }),
  Sqrt: activation(fn.sqrt, { ...neverNegative, trend: rising }),
  Reciprocal: activation(fn.reciprocal, { ...withPositiveSlope, trend: fn.reciprocalTrend }),
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
  Identity: routing(move.unchanged, { keepsAxis: aligned }),
  Dropout: routing(move.unchanged, { gives: [0], keepsAxis: aligned }),
  Cast: routing(move.uncast, { refuses: move.refusesCast, keepsAxis: aligned }),
  Flatten: routing(move.unreshape, reshaping),
  Reshape: routing(move.unreshape, reshaping),
  Squeeze: routing(move.unreshape, reshaping),
  Unsqueeze: routing(move.unreshape, reshaping),
  Transpose: routing(move.untranspose, { keepsAxis: axes.throughTranspose }),
  Concat: routing(move.unconcat, { joins: true, keepsAxis: axes.allBut(axes.namedAxis(0)) }),
  Split: splitting(move.unsplit, { keepsAxis: axes.allBut(axes.namedAxis(0)) }),
  Slice: routing(unslice, {
    refuses: refusesOpenSlice,
    keepsAxis: axes.unlessResized(axes.steppedAxes),
  }),
  Pad: forms(copy.paddingOf, {
    constant: routing(copy.unpad, {
      refuses: copy.refusesOpenPads,
      border: true,
      range: range.asParts([0, 2]),
      nonNegative: ifPartsAre([0, 2]),
      keepsAxis: axes.unlessResized(copy.paddedAxes),
    }),
    copies: routing(copy.unpadCopies, {
      refuses: copy.refusesCopies,
      keepsAxis: axes.unlessResized(copy.paddedAxes),
    }),
  }),
  DepthToSpace: routing(blocks.undepthToSpace, { keepsAxis: axes.batchOnly }),
  SpaceToDepth: routing(blocks.unspaceToDepth, { keepsAxis: axes.batchOnly }),
  Trilu: routing(blocks.untrilu, { border: true, keepsAxis: axes.allBut(() => [-2, -1]) }),
  ReverseSequence: routing(blocks.unreverse, { keepsAxis: axes.throughReversal }),

  // Elements are copied, picked or written; relevance adds up where they came from.
  Expand: routing(copy.unexpand, { keepsAxis: aligned }),
  Tile: routing(copy.untile, { keepsAxis: axes.unlessResized() }),
  Where: routing(copy.unwhere, { joins: true, elementwise: true, parts: [1, 2], keepsAxis: aligned }),
  Gather: routing(pick.ungather, { refuses: pick.refusesIndices, keepsAxis: axes.throughGather }),
  GatherElements: routing(pick.ungatherElements, { refuses: pick.refusesIndices, ...pickingAlong }),
  GatherND: routing(pick.ungatherNd, { refuses: pick.refusesGatherNd, keepsAxis: axes.throughGatherNd }),
  Compress: routing(pick.uncompress, { refuses: pick.refusesOpenCondition, ...compressing }),
  TopK: routing(pick.untopK, { gives: [0], ...alongLast, again: pick.topKAgain }),
  MaxUnpool: routing(pick.unmaxUnpool, { refuses: pick.refusesGivenShape, border: true, ...pooling }),
  ScatterElements: forms(scatter.reductionOf, {
    none: routing(scatter.unscatterElements, { joins: true, parts: [0, 2], ...pickingAlong }),
    add: sum(scatter.unaddElements, {
      nonNegative: ifPartsAre([0, 2]),
      parts: [0, 2],
      ...pickingAlong,
    }),
    other: routing(scatter.unscatterElements, { refuses: scatter.refusesReduction }),
  }),
  ScatterND: forms(scatter.reductionOf, {
    none: routing(scatter.unscatterNd, { joins: true, parts: [0, 2], keepsAxis: axes.throughScatterNd }),
    add: sum(scatter.unaddNd, {
      nonNegative: ifPartsAre([0, 2]),
      parts: [0, 2],
      keepsAxis: axes.throughScatterNd,
    }),
    other: routing(scatter.unscatterNd, { refuses: scatter.refusesReduction }),
  }),
  Col2Im: average(blocks.uncol2im, {
    filtered: false,
    parts: [0],
    nonNegative: ifPartsAre([0]),
    keepsAxis: axes.batchOnly,
  }),
  Resize: forms(resizeForm, {
    nearest: routing(unresize, { refuses: refusesResize, keepsAxis: axes.unlessResized(), resizes: true }),
    weighted: average(unresize, {
      refuses: refusesResize,
      resizes: true,
      keepsAxis: axes.unlessResized(),
      filtered: false,
      parts: [0],
      nonNegative: isResizeNonNegative,
      range: weighedRange,
    }),
  }),
} satisfies Record<string, Row | Forms>;

export type ExplainedOp = keyof typeof opTable;
