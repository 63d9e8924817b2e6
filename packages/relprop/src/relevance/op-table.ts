/**
 * How relevance crosses each operator: one row per operator, in the words of row-kinds.ts. The graph that arrives
 * here is canonical: opset 17, batch-norms folded or written as `Affine`, MatMul + Add as `Linear`, Dropout gone.
 */

import * as f from "./ops/activations.ts";
import { averagedConvolution, convolution, transposedConvolution } from "./ops/convolution.ts";
import * as d from "./ops/dense.ts";
import { add, multiply, subtract } from "./ops/joins.ts";
import * as move from "./ops/layout.ts";
import * as pool from "./ops/pooling.ts";
import {
  activation,
  always,
  average,
  gate,
  ifInputsAre,
  linear,
  maximum,
  routing,
  splitting,
  sum,
  type Row,
  type Site,
} from "./row-kinds.ts";

const computedWeights = (site: Site): string | undefined => d.refusesComputedWeights(site, 1);
const withPositiveSlope = { nonNegative: ifInputsAre };
const neverNegative = { nonNegative: always };

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
  MatMul: linear("dense", { operator: d.matmul, input: d.computedSide }, { refuses: d.refusesMatmul }),
  Affine: linear("affine", { operator: d.affine }),

  // Sums and products of tensors.
  Add: sum(add, { nonNegative: ifInputsAre }),
  Sum: sum(add, { nonNegative: ifInputsAre }),
  Sub: sum(subtract),
  Mul: gate(multiply),

  // Averages and maxima.
  AveragePool: average(pool.averagePool),
  GlobalAveragePool: average(pool.globalAveragePool),
  ReduceMean: average(pool.reduceMean, { refuses: pool.refusesOpenAxes }),
  ReduceSum: average(pool.reduceSum, { refuses: pool.refusesOpenAxes, filtered: false }),
  MaxPool: maximum({ pullBack: pool.maxPool, averaged: pool.averagedMaxPool }),
  GlobalMaxPool: maximum({ pullBack: pool.globalMaxPool, averaged: pool.averagedGlobalMaxPool }),

  // Activations, element by element.
  Relu: activation(f.relu, { ...neverNegative, rectifier: true }),
  LeakyRelu: activation(f.leakyRelu, withPositiveSlope),
  PRelu: activation(f.prelu, { nonNegative: (site) => site.isNonNegative(site.inputs[0]!) }),
  Clip: activation(f.clip, { nonNegative: f.clipsBelowZero, rectifier: true }),
  Elu: activation(f.elu, withPositiveSlope),
  Selu: activation(f.selu, withPositiveSlope),
  Sigmoid: activation(f.sigmoid, { ...neverNegative, gates: true }),
  HardSigmoid: activation(f.hardSigmoid, { ...neverNegative, gates: true }),
  Tanh: activation(f.tanh, withPositiveSlope),
  Softplus: activation(f.softplus, neverNegative),
  HardSwish: activation(f.hardSwish, withPositiveSlope),
  Silu: activation(f.silu, withPositiveSlope),
  Mish: activation(f.mish, withPositiveSlope),
  Gelu: activation(f.gelu, withPositiveSlope),

  // Elements move; relevance moves back.
  Identity: routing(move.unchanged),
  Dropout: routing(move.unchanged),
  Cast: routing(move.uncast, { refuses: move.refusesCast }),
  Flatten: routing(move.unreshape),
  Reshape: routing(move.unreshape),
  Squeeze: routing(move.unreshape),
  Unsqueeze: routing(move.unreshape),
  Transpose: routing(move.untranspose),
  Concat: routing(move.unconcat, { joins: true }),
  Split: splitting(move.unsplit),
  Slice: routing(move.unslice, { refuses: move.refusesOpenSlice }),
  Pad: routing(move.unpad, {
    refuses: move.refusesPad,
    border: true,
    nonNegative: (site) => site.isNonNegative(site.inputs[0]!),
  }),
} satisfies Record<string, Row>;

export type ExplainedOp = keyof typeof opTable;

/** The row of a node's operator, or undefined if there is none. Other domains may mean something else by the same name. */
export function rowOf({
  opType,
  domain,
}: {
  readonly opType: string;
  readonly domain: string;
}): Row | undefined {
  const isKnown = (domain === "" || domain === "relprop") && Object.hasOwn(opTable, opType);
  return isKnown ? opTable[opType as ExplainedOp] : undefined;
}
