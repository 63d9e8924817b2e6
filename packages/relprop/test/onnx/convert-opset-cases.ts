/** Single operators in the forms of opsets 7 to 28, as far as ONNX Runtime runs them; and those of com.microsoft. */

import {
  type Attributes,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  float,
  float32Tensor,
  floats,
  int,
  int64Tensor,
  ints,
  string,
} from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { randomNumbers } from "../support/run.ts";

export interface Case {
  readonly op: string;
  readonly opset: number;
  /** com.microsoft, or ai.onnx. */
  readonly domain?: string;
  readonly attributes?: Attributes;
  /** Shape of the input "x", and the constants that come after it; undefined is an absent input. */
  readonly x: readonly number[];
  readonly constants?: readonly (Tensor | undefined)[];
  readonly outputs?: number;
  /** Rank of the outputs, if it is not that of x. */
  readonly rank?: number;
  /** Largest difference, where the runtime has a kernel of its own for what is spelled out: 0 elsewhere. */
  readonly tolerance?: number;
}

export const i64 = (...values: number[]): Tensor => int64Tensor(values);
export const f32 = (...values: number[]): Tensor => float32Tensor(values, [values.length]);
export const scalar = (value: number): Tensor => float32Tensor([value], []);
export const random = (...dims: number[]): Tensor => float32Tensor(randomNumbers(sizeOf(dims), 7), dims);

export function modelOf(given: Case): Model {
  const { op, opset, domain = "", attributes = {}, x, constants = [], outputs = 1, rank } = given;
  const initializers = new Map(
    constants.flatMap((tensor, i) => (tensor ? [[`c${i}`, tensor] as const] : [])),
  );
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const shape = Array.from({ length: rank ?? x.length }, (_, i) => `d${i}`);
  const inputs = ["x", ...constants.map((tensor, i) => (tensor ? `c${i}` : ""))];
  const node: Node = { name: "node", opType: op, domain, inputs, outputs: names, attributes };
  const isIndices = (i: number): boolean =>
    op === "ArgMax" || op === "Shape" || (i === 1 && op === "TopK") || (i === 0 && op === "LinearClassifier");
  const graph: Graph = {
    name: "g",
    inputs: [{ name: "x", dataType: "float32", shape: x }],
    outputs: names.map((name, i) => ({
      name,
      dataType: isIndices(i) ? "int64" : "float32",
      shape: shape.map((dim) => `${dim}_${i}`),
    })),
    initializers,
    nodes: [node],
  };
  return {
    irVersion: 4,
    opsets: { "": opset, ...(domain !== "" && { [domain]: 1 }) },
    producer: "test",
    metadata: {},
    graph,
  };
}

export const image = [2, 4, 6, 5];
export const pool: Attributes = {
  kernel_shape: ints([3, 3]),
  strides: ints([2, 2]),
  pads: ints([1, 1, 1, 1]),
};
const reductions = "L1 L2 LogSumExp Max Mean Min Prod SumSquare".split(" ").map((name) => `Reduce${name}`);

/** Before opset 11: two modes and nothing else. */
const upsamplings = (mode: string): Case[] => [
  { op: "Upsample", opset: 7, attributes: { mode: string(mode), scales: floats([1, 1, 2, 3]) }, x: image },
  {
    op: "Upsample",
    opset: 9,
    attributes: { mode: string(mode) },
    x: image,
    constants: [f32(1, 1, 1.5, 2.3)],
  },
  {
    op: "Resize",
    opset: 10,
    attributes: { mode: string(mode) },
    x: image,
    constants: [f32(1, 1, 2.6, 1.3)],
  },
  {
    op: "Resize",
    opset: 10,
    attributes: { mode: string(mode) },
    x: image,
    constants: [f32(1, 1, 0.6, 0.7)],
  },
  {
    op: "Resize",
    opset: 10,
    attributes: { mode: string(mode) },
    x: image,
    constants: [f32(1, 1, 0.6, 1.7)],
  },
];

const transformations = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"];

/** Since opset 11: positions are transformed in one of these ways. */
function resizings(mode: string, transformation: string): Case[] {
  const attributes = { mode: string(mode), coordinate_transformation_mode: string(transformation) };
  return [
    { op: "Resize", opset: 11, attributes, x: image, constants: [f32(), f32(1, 1, 1.5, 0.7)] },
    { op: "Resize", opset: 12, attributes, x: image, constants: [f32(), f32(), i64(2, 4, 9, 3)] },
    { op: "Resize", opset: 13, attributes, x: image, constants: [undefined, f32(1, 1, 1.5, 0.7)] },
    {
      op: "Resize",
      opset: 18,
      attributes: { ...attributes, axes: ints([2, -1]) },
      x: image,
      constants: [undefined, f32(1.5, 2)],
    },
    {
      op: "Resize",
      opset: 19,
      attributes: { ...attributes, axes: ints([3, 2]) },
      x: image,
      constants: [undefined, undefined, i64(8, 9)],
    },
  ];
}

export const cases: readonly Case[] = [
  { op: "Squeeze", opset: 11, attributes: { axes: ints([1, -1]) }, x: [2, 1, 3, 1], rank: 2 },
  { op: "Squeeze", opset: 12, x: [2, 1, 3, 1], rank: 2 },
  { op: "Unsqueeze", opset: 7, attributes: { axes: ints([0, 2]) }, x: [2, 3], rank: 4 },
  { op: "ReduceSum", opset: 12, attributes: { axes: ints([2, 3]), keepdims: int(0) }, x: image, rank: 2 },
  { op: "ReduceSum", opset: 11, x: image },
  ...reductions.flatMap((op): Case[] => [
    { op, opset: 18, x: image, constants: [i64(2, -1)] },
    { op, opset: 20, attributes: { keepdims: int(0) }, x: image, constants: [i64(1)], rank: 3 },
    { op, opset: 18, x: image },
    { op, opset: 18, x: image, constants: [i64()] },
    { op, opset: 13, attributes: { axes: ints([2, 3]) }, x: image },
  ]),
  { op: "ReduceMean", opset: 18, attributes: { noop_with_empty_axes: int(1) }, x: image },
  { op: "Split", opset: 11, attributes: { axis: int(1), split: ints([1, 3]) }, x: image, outputs: 2 },
  { op: "Split", opset: 7, attributes: { axis: int(1) }, x: image, outputs: 2 },
  { op: "Split", opset: 18, attributes: { axis: int(-1), num_outputs: int(2) }, x: image, outputs: 2 },
  { op: "Split", opset: 18, attributes: { axis: int(1), num_outputs: int(2) }, x: image, outputs: 2 },
  { op: "Split", opset: 18, attributes: { axis: int(3) }, x: image, constants: [i64(1, 4)], outputs: 2 },
  { op: "Slice", opset: 9, attributes: { starts: ints([1, 0]), ends: ints([-1, 2 ** 40]) }, x: image },
  { op: "Slice", opset: 7, attributes: { starts: ints([-3]), ends: ints([5]), axes: ints([3]) }, x: image },
  { op: "TopK", opset: 9, attributes: { k: int(3), axis: int(2) }, x: image, outputs: 2 },
  { op: "TopK", opset: 10, attributes: { axis: int(1) }, x: image, constants: [i64(2)], outputs: 2 },
  { op: "Pad", opset: 10, attributes: { pads: ints([0, 0, 1, 2, 0, 0, 3, 0]) }, x: image },
  { op: "Pad", opset: 7, attributes: { pads: ints([0, 0, 1, 0, 0, 0, 0, 1]), value: float(0.3) }, x: image },
  {
    op: "Pad",
    opset: 9,
    attributes: { pads: ints([0, 0, 1, 1, 0, 0, 1, 1]), mode: string("edge") },
    x: image,
  },
  { op: "Pad", opset: 18, x: image, constants: [i64(1, 2, 3, 0), scalar(0.5), i64(-1, 2)] },
  { op: "Pad", opset: 19, x: image, constants: [i64(0, 0, 1, 1, 0, 0, 1, 1), undefined] },
  { op: "Clip", opset: 10, attributes: { min: float(-0.25), max: float(0.5) }, x: image },
  { op: "Clip", opset: 7, attributes: { min: float(0.1) }, x: image },
  { op: "Clip", opset: 7, attributes: { max: float(0.1) }, x: image },
  { op: "Clip", opset: 7, x: image },
  { op: "Dropout", opset: 7, attributes: { ratio: float(0.5) }, x: image },
  { op: "Dropout", opset: 11, attributes: { ratio: float(0.5) }, x: image },
  ...[7, 9, 13, 15].map((opset): Case => {
    const constants = [f32(1, 2, -1, 0.5), f32(0, 1, 2, 3), f32(0.1, 0.2, 0.3, 0.4), f32(1, 2, 3, 4)];
    const attributes = {
      epsilon: float(1e-3),
      momentum: float(0.8),
      ...(opset === 7 && { spatial: int(1) }),
    };
    return { op: "BatchNormalization", opset, attributes, x: image, constants };
  }),
  ...["Softmax", "LogSoftmax", "Hardmax"].flatMap((op): Case[] => [
    { op, opset: 11, x: [2, 7] },
    { op, opset: 12, x: [2, 7, 1, 1] },
    { op, opset: 11, x: image },
    { op, opset: 11, attributes: { axis: int(-1) }, x: image },
    { op, opset: 7, attributes: { axis: int(3) }, x: image },
    { op, opset: 9, attributes: { axis: int(2) }, x: image },
    { op, opset: 13, attributes: { axis: int(1) }, x: image },
    { op, opset: 18, x: image },
  ]),
  ...["nearest", "linear"].flatMap(upsamplings),
  ...["nearest", "linear"].flatMap((mode) => transformations.flatMap((by) => resizings(mode, by))),
  {
    op: "Resize",
    opset: 11,
    attributes: {
      coordinate_transformation_mode: string("tf_half_pixel_for_nn"),
      nearest_mode: string("floor"),
    },
    x: image,
    constants: [f32(), f32(1, 1, 2.5, 0.6)],
  },
  {
    op: "Resize",
    opset: 11,
    attributes: { coordinate_transformation_mode: string("tf_crop_and_resize"), mode: string("linear") },
    x: image,
    constants: [f32(0, 0, 0.1, 0.2, 1, 1, 0.9, 0.8), f32(), i64(2, 4, 5, 7)],
  },
  { op: "Gelu", opset: 20, x: image, tolerance: 1e-6 },
  { op: "Gelu", opset: 21, attributes: { approximate: string("tanh") }, x: image, tolerance: 1e-6 },
  { op: "Mish", opset: 18, x: image, tolerance: 1e-6 },
  {
    op: "GroupNormalization",
    opset: 18,
    attributes: { num_groups: int(2), epsilon: float(1e-3) },
    x: image,
    constants: [f32(1, 2), f32(0.5, -1)],
    tolerance: 1e-5,
  },
  {
    op: "GroupNormalization",
    opset: 21,
    attributes: { num_groups: int(2) },
    x: image,
    constants: [f32(1, 2, 3, 4), f32(0.5, -1, 0, 1)],
    tolerance: 1e-5,
  },
  { op: "AveragePool", opset: 7, attributes: pool, x: image },
  { op: "AveragePool", opset: 10, attributes: { ...pool, ceil_mode: int(1) }, x: image },
  { op: "AveragePool", opset: 19, attributes: { ...pool, ceil_mode: int(1) }, x: image, tolerance: 1e-6 },
  {
    op: "AveragePool",
    opset: 19,
    attributes: { ...pool, count_include_pad: int(1) },
    x: image,
    tolerance: 1e-6,
  },
  {
    op: "AveragePool",
    opset: 19,
    attributes: { ...pool, dilations: ints([1, 1]) },
    x: image,
    tolerance: 1e-6,
  },
  ...[pool, { ...pool, strides: ints([3, 3]) }, { ...pool, pads: ints([0, 0, 0, 0]) }].map(
    (attributes): Case => ({
      op: "AveragePool",
      opset: 19,
      attributes: { ...attributes, ceil_mode: int(1), count_include_pad: int(1) },
      x: image,
      tolerance: 1e-6,
    }),
  ),
  { op: "MaxPool", opset: 7, attributes: pool, x: image },
  { op: "LpPool", opset: 18, attributes: { ...pool, ceil_mode: int(0) }, x: image },
  { op: "Gemm", opset: 7, attributes: { transB: int(1) }, x: [3, 4], constants: [random(5, 4), random(5)] },
  {
    op: "Gemm",
    opset: 10,
    attributes: { alpha: float(0.5) },
    x: [3, 4],
    constants: [random(4, 5), scalar(2)],
  },
  {
    op: "Scatter",
    opset: 9,
    attributes: { axis: int(1) },
    x: [2, 4],
    constants: [int64Tensor([1, 3], [1, 2]), random(1, 2)],
  },
  { op: "ScatterElements", opset: 18, x: [2, 4], constants: [int64Tensor([1, 0], [1, 2]), random(1, 2)] },
  { op: "Cast", opset: 19, attributes: { to: int(1), saturate: int(1) }, x: image },
  { op: "Flatten", opset: 21, x: image, rank: 2 },
  { op: "Reshape", opset: 21, x: image, constants: [i64(0, -1)], rank: 2 },
  { op: "ArgMax", opset: 11, attributes: { axis: int(1), keepdims: int(0) }, x: [2, 7], rank: 1 },
  { op: "Shape", opset: 19, attributes: { start: int(1) }, x: image, rank: 1 },
  { op: "Add", opset: 7, x: image, constants: [random(4, 1, 1)] },
  { op: "PRelu", opset: 7, x: image, constants: [random(4, 1, 1)] },
  {
    op: "Conv",
    opset: 7,
    attributes: { pads: ints([1, 1, 1, 1]) },
    x: image,
    constants: [random(3, 4, 3, 3), random(3)],
  },
  { op: "HardSwish", opset: 20, x: image },
  {
    op: "GridSample",
    opset: 20,
    attributes: { mode: string("linear") },
    x: image,
    constants: [random(2, 3, 3, 2)],
  },
  {
    op: "GridSample",
    opset: 20,
    attributes: { mode: string("cubic") },
    x: image,
    constants: [random(2, 3, 3, 2)],
  },
  { op: "DFT", opset: 20, x: [1, 8, 1], rank: 3, tolerance: 1e-6 },
];

/** Attention over 3 keys of 2 samples, per head and with the heads one after the other. */
const [perHead, inARow] = [
  [2, 4, 3, 8],
  [2, 3, 32],
];
const attention = (opset: number, attributes: Attributes, more: Partial<Case> = {}): Case => {
  const x = more.x ?? perHead;
  const constants = more.constants ?? [random(...x), random(...x)];
  return { op: "Attention", opset, attributes, x, constants, rank: x.length, tolerance: 1e-6, ...more };
};
const yesOrNo = (...values: number[]): Tensor => ({
  dataType: "bool",
  dims: [values.length / 3, 3],
  bytes: Uint8Array.from(values),
});
const heads: Attributes = { q_num_heads: int(4), kv_num_heads: int(4) };

/** Operators that came with opset 23 and 24. */
const deformConv = (
  attributes: Attributes,
  w: readonly number[],
  kernels: number,
  out: readonly number[],
  more: Case["constants"] = [],
): Case => ({
  op: "DeformConv",
  opset: 19,
  attributes,
  x: image,
  constants: [random(...w), random(2, kernels * 2, ...out), ...more],
  tolerance: 1e-5,
});

export const newerCases: readonly Case[] = [
  deformConv({}, [3, 4, 3, 3], 9, [4, 3]),
  deformConv(
    { strides: ints([2, 1]), pads: ints([1, 1, 1, 1]) },
    [3, 4, 3, 3],
    9,
    [3, 5],
    [random(3), random(2, 9, 3, 5)],
  ),
  deformConv(
    { group: int(2), offset_group: int(2), dilations: ints([2, 1]) },
    [6, 2, 2, 3],
    12,
    [4, 3],
    [undefined, random(2, 12, 4, 3)],
  ),
  attention(23, {}),
  attention(23, { scale: float(0.3) }),
  attention(23, { is_causal: int(1) }),
  attention(23, heads, { x: inARow }),
  attention(
    23,
    { q_num_heads: int(4), kv_num_heads: int(2) },
    { x: inARow, constants: [random(2, 3, 16), random(2, 3, 16)] },
  ),
  attention(23, {}, { constants: [random(2, 2, 5, 8), random(2, 2, 5, 6)] }),
  attention(23, { softcap: float(0.5) }),
  attention(23, {}, { constants: [random(...perHead), random(...perHead), random(3, 3)] }),
  attention(
    23,
    {},
    { constants: [random(...perHead), random(...perHead), yesOrNo(1, 0, 1, 1, 1, 0, 0, 1, 1)] },
  ),
  attention(
    23,
    { is_causal: int(1) },
    { constants: [random(...perHead), random(...perHead), yesOrNo(1, 0, 1, 1, 1, 0, 0, 1, 1)] },
  ),
  { op: "RMSNormalization", opset: 23, x: image, constants: [random(5)], tolerance: 1e-5 },
  {
    op: "RMSNormalization",
    opset: 23,
    attributes: { axis: int(1), epsilon: float(1e-2) },
    x: image,
    constants: [random(4, 6, 5)],
    tolerance: 1e-5,
  },
  ...[{}, { interleaved: int(1) }].flatMap((attributes: Attributes): Case[] => [
    {
      op: "RotaryEmbedding",
      opset: 23,
      attributes,
      x: perHead,
      constants: [random(2, 3, 4), random(2, 3, 4)],
      tolerance: 1e-6,
    },
    {
      op: "RotaryEmbedding",
      opset: 23,
      attributes: { ...attributes, num_heads: int(4), rotary_embedding_dim: int(4) },
      x: inARow,
      constants: [random(9, 2), random(9, 2), int64Tensor([0, 1, 2, 5, 6, 7], [2, 3])],
      tolerance: 1e-6,
    },
  ]),
  ...["linear", "circular"].map((mode): Case => ({
    op: "TensorScatter",
    opset: 24,
    attributes: { mode: string(mode) },
    x: image,
    constants: [random(2, 4, 2, 5), mode === "linear" ? i64(1, 4) : i64(5, 3)],
  })),
  {
    op: "TensorScatter",
    opset: 24,
    attributes: { axis: int(1) },
    x: image,
    constants: [random(2, 3, 6, 5)],
  },
  { op: "Swish", opset: 24, x: image, tolerance: 1e-6 },
  { op: "Swish", opset: 24, attributes: { alpha: float(1.7) }, x: image, tolerance: 1e-6 },
  {
    op: "Resize",
    opset: 18,
    attributes: { keep_aspect_ratio_policy: string("not_larger") },
    x: image,
    constants: [undefined, undefined, i64(2, 4, 12, 20)],
  },
  {
    op: "Resize",
    opset: 19,
    attributes: {
      keep_aspect_ratio_policy: string("not_smaller"),
      axes: ints([2, 3]),
      mode: string("linear"),
    },
    x: image,
    constants: [undefined, undefined, i64(7, 10)],
  },
  {
    op: "Resize",
    opset: 19,
    attributes: { coordinate_transformation_mode: string("half_pixel_symmetric"), mode: string("linear") },
    x: image,
    tolerance: 1e-6,
    constants: [undefined, undefined, i64(2, 4, 9, 7)],
  },
  {
    op: "Resize",
    opset: 18,
    attributes: { antialias: int(1), mode: string("linear") },
    x: image,
    constants: [undefined, f32(1, 1, 2, 1.5)],
    tolerance: 1e-6,
  },
];

const fused = (activation: string, values: readonly number[]): Attributes => ({
  activation: string(activation),
  ...(values.length > 0 && { activation_params: floats(values) }),
});
const contrib = (
  op: string,
  x: readonly number[],
  constants: Case["constants"] = [],
  attributes: Attributes = {},
  outputs = 1,
): Case => ({
  op,
  opset: 17,
  domain: "com.microsoft",
  attributes,
  x,
  constants,
  outputs,
  tolerance: 2e-6,
});
const layer = [random(8), random(8)];

/** What ONNX Runtime's optimiser makes. */
export const contribCases: readonly Case[] = [
  contrib("Gelu", image),
  contrib("FastGelu", image),
  contrib("FastGelu", [2, 3, 8], [random(8)]),
  contrib("BiasGelu", [2, 3, 8], [random(8)]),
  contrib("QuickGelu", image),
  contrib("QuickGelu", image, [], { alpha: float(1) }),
  contrib("SkipLayerNormalization", [2, 3, 8], [random(2, 3, 8), ...layer]),
  contrib("SkipLayerNormalization", [2, 3, 8], [random(2, 3, 8), ...layer, random(8)], {
    epsilon: float(1e-3),
  }),
  contrib("SkipSimplifiedLayerNormalization", [2, 3, 8], [random(2, 3, 8), random(8)], {
    epsilon: float(1e-3),
  }),
  {
    ...contrib("SimplifiedLayerNormalization", [2, 3, 8], [random(8)], {
      axis: int(-1),
      epsilon: float(1e-3),
    }),
    domain: "",
  },
  ...[
    ["Relu", []],
    ["LeakyRelu", [0.2]],
    ["Clip", [-0.1, 0.3]],
    ["HardSigmoid", [0.3, 0.4]],
    ["Tanh", []],
  ].map(([activation, values]) =>
    contrib("FusedConv", image, [random(3, 4, 3, 3), random(3)], {
      ...pool,
      ...fused(activation as string, values as number[]),
    }),
  ),
  contrib("FusedConv", image, [random(4, 4, 3, 3), random(4), random(2, 4, 3, 3)], {
    ...pool,
    ...fused("Relu", []),
  }),
  contrib("FusedGemm", [3, 4], [random(5, 4), random(5)], {
    transB: int(1),
    activation: string("LeakyRelu"),
    activation_alpha: float(0.3),
  }),
  contrib("FusedMatMul", [2, 4, 3], [random(2, 5, 4)], {
    transA: int(1),
    transB: int(1),
    alpha: float(0.25),
  }),
  contrib("FusedMatMul", [2, 3, 4], [random(4, 5)]),
];

const classic = (op: string, x: readonly number[], attributes: Attributes, outputs = 1): Case => ({
  op,
  opset: 17,
  domain: "ai.onnx.ml",
  attributes,
  x,
  outputs,
  tolerance: 1e-6,
});
const numbersOf = (count: number, seed: number): Attributes[string] =>
  floats(Array.from(randomNumbers(count, seed)));
const linear = (classes: number, post: string): Attributes => ({
  coefficients: numbersOf(classes * 3, 5),
  intercepts: numbersOf(classes, 6),
  post_transform: string(post),
});
/** Two classes whose scores are each other's opposite. */
const opposed: Attributes = {
  coefficients: floats([-0.5, 0.25, -1, 0.5, -0.25, 1]),
  intercepts: floats([0.1, -0.1]),
};
const classes = (...labels: number[]): Attributes => ({ classlabels_ints: ints(labels) });

/** Operators of ai.onnx.ml; ONNX Runtime's kernel sums in another order. */
export const classicCases: readonly Case[] = [
  classic("Scaler", [4, 3], { offset: floats([1, -2, 0.5]), scale: floats([2, 0.25, -1]) }),
  classic("Scaler", [4, 3], { offset: floats([0.5]), scale: floats([2]) }),
  ...["MAX", "L1", "L2"].map((norm) => classic("Normalizer", [4, 3], { norm: string(norm) })),
  classic("Imputer", [4, 3], {
    imputed_value_floats: floats([1, 2, 3]),
    replaced_value_float: float(Number.NaN),
  }),
  classic("Imputer", [4, 3], { imputed_value_floats: floats([1]) }),
  classic("Binarizer", [4, 3], { threshold: float(0.2) }),
  classic("FeatureVectorizer", [4, 3], { inputdimensions: ints([3]) }),
  { ...classic("ArrayFeatureExtractor", [4, 3], {}), constants: [i64(2, 0)] },
  ...["NONE", "LOGISTIC", "SOFTMAX"].flatMap((post) => [
    classic("LinearClassifier", [4, 3], { ...linear(3, post), ...classes(0, 1, 2) }, 2),
    classic("LinearClassifier", [4, 3], { ...linear(1, post), ...classes(0, 1) }, 2),
    classic("LinearClassifier", [4, 3], { ...opposed, post_transform: string(post), ...classes(4, 7) }, 2),
  ]),
  ...["NONE", "LOGISTIC", "SOFTMAX"].flatMap((post) => [
    classic("LinearRegressor", [4, 3], linear(1, post)),
    classic("LinearRegressor", [4, 3], { ...linear(2, post), targets: int(2) }),
  ]),
  classic("SVMRegressor", [4, 3], {
    kernel_type: string("LINEAR"),
    kernel_params: floats([0, 0, 3]),
    n_supports: int(2),
    coefficients: floats([1, -0.5]),
    support_vectors: numbersOf(6, 7),
    rho: floats([0.25]),
  }),
];
