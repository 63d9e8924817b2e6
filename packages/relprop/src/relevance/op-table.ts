/**
 * The op table: how relevance crosses each operator. The kinds of row are in row-kinds.ts. Graphs are canonical here:
 * opset 17, batch norms folded or written as `Affine`, MatMul + Add as `Linear`, without Dropout.
 */

import * as activations from "./ops/activations.ts";
import * as axes from "./ops/axes.ts";
import { averagedConvolution, convolution, transposedConvolution } from "./ops/convolution.ts";
import * as dense from "./ops/dense.ts";
import * as functions from "./ops/functions.ts";
import { add, extreme, factorTrend, mean, multiply, subtract, sumTrend } from "./ops/joins.ts";
import * as layout from "./ops/layout.ts";
import * as lengths from "./ops/lengths.ts";
import { maxPool } from "./ops/max-pooling.ts";
import { windowSteps } from "./ops/windows.ts";
import * as normalizations from "./ops/normalization.ts";
import * as blocks from "./ops/blocks.ts";
import * as picking from "./ops/picking.ts";
import * as pooling from "./ops/pooling.ts";
import * as repeating from "./ops/repeating.ts";
import { isResizeNonNegative, refusesResize, resizeForm, unresize, weighedRange } from "./ops/resampling.ts";
import * as sampling from "./ops/sampling.ts";
import * as scattering from "./ops/scattering.ts";
import { refusesOpenSlice, unslice } from "./ops/slicing.ts";
import * as products from "./ops/products.ts";
import { dynamicFakeQuantize, fakeQuantize, quantizesToPositive } from "./ops/quantization.ts";
import * as ranges from "./ops/ranges.ts";
import * as reductions from "./ops/reductions.ts";
import { gru } from "./ops/recurrent/gru.ts";
import { lstm } from "./ops/recurrent/lstm.ts";
import { rnn } from "./ops/recurrent/rnn.ts";
import * as softmaxes from "./ops/softmax.ts";
import * as spectra from "./ops/spectra.ts";
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
  recurrent,
  rising,
  routing,
  softmax,
  splitting,
  sum,
  type Forms,
  type Row,
} from "./row-kinds.ts";
import { aligned, type Site } from "./site.ts";

// What rows have in common, by name.

const keepsBatch = { keepsAxis: axes.batchOnly };
const keepsEveryAxis = { keepsAxis: aligned };
const alongLast = { keepsAxis: axes.allBut(axes.namedAxis(-1)) };
const alongNamed = { keepsAxis: axes.allBut(axes.namedAxis(0)) };
const overWindows = { keepsAxis: axes.batchAndChannels };
const reshaping = { keepsAxis: axes.throughReshape };
const multiplying = { keepsAxis: axes.throughProduct };

const neverNegative = { nonNegative: always };
/** No output is negative where no input is. */
const keepsPositive = { nonNegative: ifInputsAre };
/** A maximum cannot be negative if one of its inputs cannot. */
const positiveWithAny = {
  nonNegative: ({ inputs, isNonNegative }: Site): boolean =>
    inputs.some((value) => value !== undefined && isNonNegative(value)),
};
/** Inputs that the output is made of, and negative only with them; the others are sizes, axes or indices. */
const madeOf = (...parts: number[]) => ({ parts, nonNegative: ifPartsAre(parts) });

const convolving = {
  refuses: (site: Site): string | undefined => dense.refusesComputedWeights(site, 1),
  steps: windowSteps,
  ...keepsBatch,
};
/** The scale and offset are constants. */
const scaling = { refuses: normalizations.refusesComputedScale };
/** Options of reductions whose axes are an attribute. */
const reducing = {
  refuses: reductions.refusesOpenAxes,
  keepsAxis: axes.throughReduction(reductions.knownAxes),
};
/** Its second input says along which axes. */
const alongGiven = { ...reducing, ...madeOf(0), filtered: false };
const measuring = { ...alongGiven, ...neverNegative };
const extremeAlong = { ...alongGiven, filtered: true };
const extremeElement = { pullBack: reductions.reduceExtreme, averaged: reductions.averagedExtreme };
const ofSeveral = { joins: true, filtered: false, ...keepsEveryAxis };
const gating = { ...neverNegative, gates: true };
const rectifying = { rectifier: true, trend: rising };
const resizing = { refuses: refusesResize, resizes: true, keepsAxis: axes.unlessResized() };
/** Values written into a tensor, at places that the second input names. */
const writing = madeOf(0, 2);
const overwriting = { ...writing, joins: true };

export const opTable = {
  // Linear layers: rules modify input, weights and denominator.
  Conv: linear("convolution", { operator: convolution, averaged: averagedConvolution }, convolving),
  ConvTranspose: linear(
    "convolution",
    { operator: transposedConvolution },
    { ...convolving, steps: (node) => windowSteps(node).map((step) => 1 / step) },
  ),
  Gemm: linear(
    "dense",
    { operator: dense.gemm },
    { refuses: dense.refusesGemm, keepsAxis: axes.throughGemm },
  ),
  Linear: linear("dense", { operator: dense.dense }, { keepsAxis: axes.throughProduct }),
  MatMul: linear("dense", { operator: dense.matmul, input: dense.computedSide }, multiplying),
  Affine: linear(
    "affine",
    { operator: dense.affine },
    { ...keepsEveryAxis, trend: dense.affineTrend, range: ranges.mapped },
  ),
  Einsum: linear(
    "dense",
    { operator: products.einsum, input: products.computedOperand },
    { refuses: products.refusesEinsum, keepsAxis: products.throughEinsum },
  ),
  DFT: linear(
    "dense",
    { operator: spectra.dft },
    { refuses: spectra.refusesDft, keepsAxis: spectra.throughDft },
  ),
  STFT: linear("dense", { operator: spectra.stft }, { refuses: spectra.refusesStft, ...keepsBatch }),

  // Sums and products of tensors.
  Add: sum(add, { ...keepsPositive, trend: sumTrend([1, 1]), range: ranges.added }),
  Sum: sum(add, { ...keepsPositive, range: ranges.added }),
  Sub: sum(subtract, { trend: sumTrend([1, -1]), range: ranges.subtracted }),
  Mean: sum(mean, { ...keepsPositive, range: ranges.asParts(undefined) }),
  Mul: gate(multiply, { trend: factorTrend, range: ranges.multiplied }),
  Div: quotient(products.divide, {
    inverts: products.dividesConstant,
    trend: products.quotientTrend,
    range: ranges.divided,
  }),
  Product: matrixProduct(products.matrixProduct, multiplying),
  Contraction: matrixProduct(products.contraction, {
    refuses: products.refusesEinsum,
    keepsAxis: products.throughEinsum,
  }),

  // Recurrent layers: X, and the states before the first step.
  LSTM: recurrent({ gates: 4, usual: ["Sigmoid", "Tanh", "Tanh"], cell: lstm }, { parts: [0, 5, 6] }),
  GRU: recurrent({ gates: 3, usual: ["Sigmoid", "Tanh"], cell: gru }, { parts: [0, 5] }),
  RNN: recurrent({ gates: 1, usual: ["Tanh"], cell: rnn }, { parts: [0, 5] }),

  // Softmax and normalisations inside of the model.
  Softmax: softmax(
    {
      pullBack: softmaxes.softmax,
      pullBackLog: softmaxes.softmaxLog,
      active: softmaxes.unmasked,
      finite: softmaxes.finite,
    },
    { ...gating, ...alongLast, response: "softmax" },
  ),
  LogSoftmax: softmax({ pullBack: softmaxes.logSoftmax }, { ...alongLast, response: "log-softmax" }),
  LayerNormalization: normalization(normalizations.layerNormalization, {
    ...scaling,
    gives: [0],
    keepsAxis: axes.allBut(normalizations.normalizedAxes),
  }),
  RMSNormalization: normalization(normalizations.rmsNormalization, {
    ...scaling,
    keepsAxis: axes.allBut(normalizations.normalizedAxes),
  }),
  InstanceNormalization: normalization(normalizations.instanceNormalization, {
    ...scaling,
    keepsAxis: axes.allBut(axes.axesFrom(2)),
  }),
  GroupNormalization: normalization(normalizations.groupNormalization, {
    ...scaling,
    keepsAxis: axes.allBut(axes.axesFrom(1)),
  }),
  MeanVarianceNormalization: normalization(normalizations.meanVarianceNormalization, {
    keepsAxis: axes.allBut(normalizations.standardizedAxes),
  }),
  LpNormalization: normalization(lengths.lpNormalization, { ...keepsPositive, ...alongLast }),
  LRN: normalization(lengths.responseNormalization, { ...keepsPositive, keepsAxis: axes.allBut(() => [1]) }),

  // Averages and maxima.
  AveragePool: average(pooling.averagePool, { ...overWindows, steps: windowSteps, range: ranges.asInput }),
  GlobalAveragePool: average(pooling.globalAveragePool, { ...overWindows, range: ranges.asInput }),
  LpPool: average(pooling.lpPool, { ...neverNegative, ...overWindows, steps: windowSteps }),
  GlobalLpPool: average(pooling.globalLpPool, { ...neverNegative, ...overWindows }),
  ReduceMean: average(reductions.reduceMean, { ...reducing, range: ranges.asInput }),
  ReduceSum: average(reductions.reduceSum, alongGiven),
  CumSum: average(reductions.cumulativeSum, {
    ...madeOf(0),
    filtered: false,
    keepsAxis: axes.allBut(axes.axesInInput(1)),
  }),
  ReduceL1: measure({ pullBack: reductions.reduceL1 }, measuring),
  ReduceL2: measure({ pullBack: reductions.reduceL2 }, measuring),
  ReduceSumSquare: measure(
    { pullBack: reductions.reduceSumSquare, frozen: reductions.frozenSquares },
    measuring,
  ),
  ReduceProd: measure(
    { pullBack: reductions.reduceProd, pullBackLog: reductions.equalToAll, active: reductions.onesOfInput },
    alongGiven,
  ),
  ReduceLogSum: measure(
    { pullBack: reductions.reduceLogSum, pullBackLog: reductions.reduceLogSum },
    reducing,
  ),
  ReduceLogSumExp: measure(
    {
      pullBack: reductions.reduceLogSumExp,
      pullBackLog: reductions.wholeToAll,
      active: reductions.softmaxOf,
    },
    reducing,
  ),
  ReduceMax: maximum(extremeElement, extremeAlong),
  ReduceMin: maximum(extremeElement, extremeAlong),
  Max: maximum({ pullBack: extreme, elementwise: true }, { ...ofSeveral, ...positiveWithAny }),
  Min: maximum({ pullBack: extreme, elementwise: true }, ofSeveral),
  MaxPool: maximum(
    { pullBack: maxPool, averaged: pooling.averagedMaxPool },
    { gives: [0], ...overWindows, steps: windowSteps },
  ),
  GlobalMaxPool: maximum(
    { pullBack: pooling.globalMaxPool, averaged: pooling.averagedGlobalMaxPool },
    overWindows,
  ),

  // Activations, element by element.
  Relu: activation(activations.relu, {
    ...neverNegative,
    ...rectifying,
    relu: true,
    closesBelowZero: always,
  }),
  LeakyRelu: activation(activations.leakyRelu, keepsPositive),
  PRelu: activation(activations.prelu, { nonNegative: ifPartsAre([0]), parameters: () => [1] }),
  Clip: activation(activations.clip, {
    ...rectifying,
    nonNegative: activations.clipsBelowZero,
    closesBelowZero: activations.clipsToZero,
    parameters: () => [1, 2],
  }),
  Elu: activation(activations.elu, keepsPositive),
  Selu: activation(activations.selu, keepsPositive),
  Celu: activation(activations.celu, keepsPositive),
  ThresholdedRelu: activation(activations.thresholdedRelu, {
    nonNegative: activations.thresholdIsPositive,
    rectifier: true,
    closesBelowZero: activations.thresholdIsPositive,
  }),
  Shrink: activation(activations.shrink, { nonNegative: activations.shrinksToPositive }),
  Softsign: activation(activations.softsign, keepsPositive),
  Sigmoid: activation(activations.sigmoid, { ...gating, response: "sigmoid" }),
  HardSigmoid: activation(activations.hardSigmoid, { ...gating, response: "hard-sigmoid" }),
  Tanh: activation(activations.tanh, keepsPositive),
  Softplus: activation(activations.softplus, { ...neverNegative, response: "softplus" }),
  HardSwish: activation(activations.hardSwish, keepsPositive),
  Silu: activation(activations.silu, keepsPositive),
  Mish: activation(activations.mish, keepsPositive),
  Gelu: activation(activations.gelu, keepsPositive),
  FakeQuantize: activation(fakeQuantize, {
    ...rectifying,
    range: ranges.asInput,
    nonNegative: quantizesToPositive,
    parameters: () => [1, 2],
  }),
  DynamicFakeQuantize: activation(dynamicFakeQuantize, {
    ...rectifying,
    ...keepsPositive,
    range: ranges.asInput,
  }),

  // Other functions, element by element.
  Abs: activation(functions.abs, neverNegative),
  Neg: activation(functions.negative, { trend: falling, range: ranges.negated }),
  Exp: activation(functions.exp, { ...neverNegative, response: "exp", trend: rising }),
  Log: activation(functions.log, { trend: rising }),
  Sqrt: activation(functions.sqrt, { ...neverNegative, trend: rising }),
  Reciprocal: activation(functions.reciprocal, {
    ...keepsPositive,
    inverts: always,
    trend: functions.reciprocalTrend,
  }),
  Pow: activation(functions.pow, {
    nonNegative: functions.powersArePositive,
    parameters: functions.shapesPower,
    inverts: functions.hasNegativePower,
    range: ranges.raised,
  }),
  Mod: activation(functions.remainder, {
    nonNegative: ifPartsAre([0]),
    parameters: () => [1],
    refuses: functions.refusesWholeRemainder,
  }),
  Erf: activation(functions.erf, keepsPositive),
  Sin: activation(functions.sin),
  Cos: activation(functions.cos),
  Tan: activation(functions.tan),
  Asin: activation(functions.asin, keepsPositive),
  Acos: activation(functions.acos, neverNegative),
  Atan: activation(functions.atan, keepsPositive),
  Sinh: activation(functions.sinh, keepsPositive),
  Cosh: activation(functions.cosh, neverNegative),
  Asinh: activation(functions.asinh, keepsPositive),
  Acosh: activation(functions.acosh, neverNegative),
  Atanh: activation(functions.atanh, keepsPositive),

  // Elements move; relevance moves back.
  Identity: routing(layout.unchanged, keepsEveryAxis),
  Dropout: routing(layout.unchanged, { gives: [0], ...keepsEveryAxis }),
  Cast: routing(layout.uncast, { refuses: layout.refusesCast, ...keepsEveryAxis }),
  Flatten: routing(layout.unreshape, reshaping),
  Reshape: routing(layout.unreshape, reshaping),
  Squeeze: routing(layout.unreshape, reshaping),
  Unsqueeze: routing(layout.unreshape, reshaping),
  Transpose: routing(layout.untranspose, { keepsAxis: axes.throughTranspose }),
  Concat: routing(layout.unconcat, { joins: true, ...alongNamed }),
  Split: splitting(layout.unsplit, alongNamed),
  Slice: routing(unslice, { refuses: refusesOpenSlice, keepsAxis: axes.unlessResized(axes.steppedAxes) }),
  Pad: forms(repeating.paddingOf, {
    constant: routing(repeating.unpad, {
      refuses: repeating.refusesOpenPads,
      border: true,
      range: ranges.asParts([0, 2]),
      nonNegative: ifPartsAre([0, 2]),
      keepsAxis: axes.unlessResized(repeating.paddedAxes),
    }),
    copies: routing(repeating.unpadCopies, {
      refuses: repeating.refusesCopies,
      keepsAxis: axes.unlessResized(repeating.paddedAxes),
    }),
  }),
  DepthToSpace: routing(blocks.undepthToSpace, keepsBatch),
  SpaceToDepth: routing(blocks.unspaceToDepth, keepsBatch),
  Trilu: routing(blocks.untrilu, { border: true, keepsAxis: axes.allBut(() => [-2, -1]) }),
  ReverseSequence: routing(blocks.unreverse, { keepsAxis: axes.throughReversal }),

  // Elements are copied, picked or written; relevance adds up where they came from.
  Expand: routing(repeating.unexpand, keepsEveryAxis),
  Tile: routing(repeating.untile, { keepsAxis: axes.unlessResized() }),
  Where: routing(repeating.unwhere, { joins: true, elementwise: true, parts: [1, 2], ...keepsEveryAxis }),
  Gather: routing(picking.ungather, { refuses: picking.refusesIndices, keepsAxis: axes.throughGather }),
  GatherElements: routing(picking.ungatherElements, { refuses: picking.refusesIndices, ...alongNamed }),
  GatherND: routing(picking.ungatherNd, {
    refuses: picking.refusesGatherNd,
    keepsAxis: axes.throughGatherNd,
  }),
  Compress: routing(picking.uncompress, {
    refuses: picking.refusesOpenCondition,
    keepsAxis: axes.allBut(axes.axisIfNamed),
  }),
  TopK: routing(picking.untopK, { gives: [0], ...alongLast, again: picking.topKAgain }),
  MaxUnpool: routing(picking.unmaxUnpool, {
    refuses: picking.refusesGivenShape,
    border: true,
    ...overWindows,
  }),
  ScatterElements: forms(scattering.reductionOf, {
    none: routing(scattering.unscatterElements, { ...overwriting, ...alongNamed }),
    add: sum(scattering.unaddElements, { ...writing, ...alongNamed, elementwise: false }),
    other: routing(scattering.unscatterElements, { ...overwriting, refuses: scattering.refusesReduction }),
  }),
  ScatterND: forms(scattering.reductionOf, {
    none: routing(scattering.unscatterNd, { ...overwriting, keepsAxis: axes.throughScatterNd }),
    add: sum(scattering.unaddNd, { ...writing, keepsAxis: axes.throughScatterNd, elementwise: false }),
    other: routing(scattering.unscatterNd, { ...overwriting, refuses: scattering.refusesReduction }),
  }),
  GridSample: average(sampling.ungridSample, {
    ...madeOf(0),
    filtered: false,
    refuses: sampling.refusesGridSample,
    keepsAxis: axes.allBut(() => [2, 3]),
  }),
  RoiAlign: average(sampling.unroiAlign, {
    ...madeOf(0),
    filtered: false,
    refuses: sampling.refusesRoiAlign,
    keepsAxis: axes.allBut(() => [0, 2, 3]),
  }),
  Col2Im: average(blocks.uncol2im, { ...madeOf(0), ...keepsBatch, filtered: false }),
  Resize: forms(resizeForm, {
    nearest: routing(unresize, resizing),
    weighted: average(unresize, {
      ...resizing,
      filtered: false,
      parts: [0],
      nonNegative: isResizeNonNegative,
      range: weighedRange,
    }),
  }),
} satisfies Record<string, Row | Forms>;

export type ExplainedOp = keyof typeof opTable;
