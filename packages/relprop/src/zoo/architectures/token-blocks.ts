/** The blocks of transformers and similar networks: layers over the last axis of [N, …, C]. */

import { float, int, ints, type Tensor, type Value } from "../../onnx/graph.ts";
import { float32Data, float32Tensor } from "../../onnx/tensor.ts";
import { activate } from "./blocks.ts";
import type { Flow, NetBuilder } from "./net-builder.ts";

/** Normalises each token (Ba et al. 2016). */
export function layerNorm(net: NetBuilder, x: Flow, name: string, epsilon: number): Flow {
  const scale = net.weight(`${name}.weight`, [x.width]);
  const shift = net.weight(`${name}.bias`, [x.width]);
  const attributes = { axis: int(-1), epsilon: float(epsilon) };
  return { value: net.op("LayerNormalization", [x.value, scale, shift], attributes, name), width: x.width };
}

/**
 * A fully connected layer on each token.
 * @param names of its weight [width, C] and bias [width]
 * @param width number of output channels, by default that of the weight
 */
function tokenLinear(
  net: NetBuilder,
  x: Flow,
  [weight, bias]: readonly [weight: string, bias: string],
  width?: number,
): Flow {
  const matrix = net.weight(weight, [width, x.width], transposed);
  const outer = width ?? net.sizeOf(weight, 0);
  const product = net.op("MatMul", [x.value, matrix], {}, `${weight}.product`);
  return { value: net.op("Add", [product, net.weight(bias, [outer])], {}, `${bias}.sum`), width: outer };
}

/** The names of a layer's weight and bias. */
export const weightAndBias = (layer: string): [string, string] => [`${layer}.weight`, `${layer}.bias`];

/** Two layers with an exact GELU between them (Hendrycks and Gimpel 2016); the number of channels stays the same. */
export function tokenMlp(net: NetBuilder, x: Flow, first: string, second: string): Flow {
  const wide = activate(net, tokenLinear(net, x, weightAndBias(first)), "gelu", `${first}.activation`);
  return tokenLinear(net, wide, weightAndBias(second), x.width);
}

/** Names of the weights of an attention. */
export interface AttentionNames {
  /** Queries, keys and values, stacked: weight [3C, C], bias [3C]. */
  readonly inner: readonly [weight: string, bias: string];
  readonly outer: readonly [weight: string, bias: string];
}

/** Multi-head self-attention over [N, T, C] (Vaswani et al. 2017): softmax(Q Kᵀ / √d) V for each head of d channels. */
export function selfAttention(
  net: NetBuilder,
  x: Flow,
  names: AttentionNames,
  heads: number,
  name: string,
): Flow {
  const { width } = x;
  const all = tokenLinear(net, x, names.inner, width === undefined ? undefined : 3 * width);
  if (!all.value || width === undefined)
    return tokenLinear(net, { value: undefined, width }, names.outer, width);
  const { builder } = net;
  const depth = width / heads;
  const sizes = builder.integers([width, width, width]);
  const parts = builder.ops("Split", [all.value, sizes], { axis: int(2) }, 3, `${name}.parts`);
  const split = (part: Value | undefined, perm: readonly number[], label: string): Value | undefined => {
    const grid = net.op(
      "Reshape",
      [part, builder.integers([0, 0, heads, depth])],
      {},
      `${name}.${label}.heads`,
    );
    return net.op("Transpose", [grid], { perm: ints(perm) }, `${name}.${label}`);
  };
  const queries = split(parts[0], [0, 2, 1, 3], "queries");
  const keys = split(parts[1], [0, 2, 3, 1], "keys");
  const values = split(parts[2], [0, 2, 1, 3], "values");
  const scaled = net.op("Mul", [queries, builder.scalar(1 / Math.sqrt(depth))], {}, `${name}.scaled`);
  const scores = net.op("MatMul", [scaled, keys], {}, `${name}.scores`);
  const weights = net.op("Softmax", [scores], { axis: int(-1) }, `${name}.weights`);
  const mixed = net.op("MatMul", [weights, values], {}, `${name}.mixed`);
  const tokens = net.op("Transpose", [mixed], { perm: ints([0, 2, 1, 3]) }, `${name}.tokens`);
  const joined = net.op("Reshape", [tokens, builder.integers([0, 0, width])], {}, `${name}.joined`);
  return tokenLinear(net, { value: joined, width }, names.outer, width);
}

/** [N, C, H, W] -> [N, H, W, C]. */
export const channelsLast = (net: NetBuilder, x: Flow, name: string): Flow =>
  permuted(net, x, [0, 2, 3, 1], name);
/** [N, H, W, C] -> [N, C, H, W]. */
export const channelsFirst = (net: NetBuilder, x: Flow, name: string): Flow =>
  permuted(net, x, [0, 3, 1, 2], name);

const permuted = (net: NetBuilder, x: Flow, perm: readonly number[], name: string): Flow => ({
  value: net.op("Transpose", [x.value], { perm: ints(perm) }, name),
  width: x.width,
});

/** [O, I] -> [I, O], in tiles that fit the cache. */
function transposed(matrix: Tensor): Tensor {
  const [rows = 0, columns = 0] = matrix.dims;
  const from = float32Data(matrix);
  const to = new Float32Array(from.length);
  const tile = 32;
  for (let top = 0; top < rows; top += tile) {
    for (let left = 0; left < columns; left += tile) {
      for (let row = top; row < Math.min(rows, top + tile); row++) {
        for (let column = left; column < Math.min(columns, left + tile); column++) {
          to[column * rows + row] = from[row * columns + column] ?? 0;
        }
      }
    }
  }
  return float32Tensor(to, [columns, rows]);
}
