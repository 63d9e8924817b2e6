/** One node on constants each, for all operators that are evaluated: what ONNX Runtime makes of it is the referee. */

import {
  type Attributes,
  type DataType,
  type Tensor,
  float,
  float32Tensor,
  int,
  int64Tensor,
  ints,
  string,
} from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { randomNumbers } from "../support/run.ts";

export interface EvaluateCase {
  readonly op: string;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes?: Attributes;
  /** Of the node; 17 if absent. */
  readonly opset?: number;
  /** How many outputs it has; 1 if absent. */
  readonly outputs?: number;
  /** How many of its outputs are evaluated; all if absent. */
  readonly compared?: number;
  /** Relative to the largest element; 0, to the bit, if absent. */
  readonly tolerance?: number;
}

let seed = 7;
const noise = (dims: readonly number[]): Float32Array => randomNumbers(sizeOf(dims), seed++);

/** In [−scale, scale). */
export const f32 = (dims: readonly number[], scale: number = 2): Tensor =>
  float32Tensor(
    noise(dims).map((x) => x * scale),
    dims,
  );
const positive = (dims: readonly number[]): Tensor =>
  float32Tensor(
    noise(dims).map((x) => Math.abs(x) + 0.1),
    dims,
  );
/** Whole numbers in [low, high). */
export const whole = (dims: readonly number[], low: number, high: number): number[] =>
  Array.from(noise(dims), (x) => low + Math.floor(((x + 1) / 2) * (high - low)));
export const i64 = (dims: readonly number[], low: number, high: number): Tensor =>
  int64Tensor(whole(dims, low, high), dims);
const vector = (...values: number[]): Tensor => int64Tensor(values);
const scalar = (value: number): Tensor => int64Tensor([value], []);
const one = (value: number): Tensor => float32Tensor([value], []);
const big = (...values: bigint[]): Tensor => ({
  dataType: "int64",
  dims: [values.length],
  bytes: new Uint8Array(BigInt64Array.from(values).buffer),
});
const arrays = {
  int32: Int32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  float64: Float64Array,
  bool: Uint8Array,
  uint32: Uint32Array,
} as const;
const typed = (
  dataType: keyof typeof arrays,
  dims: readonly number[],
  values: readonly number[],
): Tensor => ({
  dataType,
  dims,
  bytes: new Uint8Array(arrays[dataType].from(values).buffer),
});
const i32 = (dims: readonly number[], low: number, high: number): Tensor =>
  typed("int32", dims, whole(dims, low, high));
const bool = (dims: readonly number[]): Tensor => typed("bool", dims, whole(dims, 0, 2));

const codes: Partial<Record<DataType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};
const to = (dataType: DataType): Attributes => ({ to: int(codes[dataType] ?? 0) });

const each = (names: string, make: (op: string) => EvaluateCase[]): EvaluateCase[] =>
  names.split(" ").flatMap((op) => make(op));

const ulp = 1e-6;
const matrix = [3, 4];

export const cases: readonly EvaluateCase[] = [
  ...each("Neg Abs Sign", (op) => [
    { op, inputs: [f32(matrix)] },
    { op, inputs: [i64(matrix, -9, 9)] },
    { op, inputs: [i32(matrix, -9, 9)] },
  ]),
  ...each("Floor Ceil Round Relu", (op) => [{ op, inputs: [f32(matrix, 5)] }]),
  { op: "Round", inputs: [float32Tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5], [6])] },
  ...each("Sin Cos Tan Atan Sinh Cosh Asinh Exp Erf Sigmoid Tanh Softplus Softsign HardSwish", (op) => [
    { op, inputs: [f32(matrix, 3)], tolerance: ulp },
  ]),
  ...each("Asin Acos Atanh", (op) => [{ op, inputs: [f32(matrix, 0.9)], tolerance: ulp }]),
  { op: "Acosh", inputs: [float32Tensor([1, 1.5, 2, 30], [4])], tolerance: ulp },
  ...each("Log Sqrt Reciprocal", (op) => [{ op, inputs: [positive(matrix)], tolerance: ulp }]),
  ...each("Elu Celu Selu LeakyRelu HardSigmoid ThresholdedRelu Shrink", (op) => [
    { op, inputs: [f32(matrix, 3)], tolerance: ulp },
  ]),
  ...each("Elu Celu LeakyRelu HardSigmoid ThresholdedRelu", (op) => [
    { op, inputs: [f32(matrix, 3)], attributes: { alpha: float(0.7) }, tolerance: ulp },
  ]),
  { op: "PRelu", inputs: [f32([2, 3, 4]), f32([3, 1])] },
  { op: "Gelu", inputs: [f32(matrix, 4)], opset: 20, tolerance: ulp },
  {
    op: "Gelu",
    inputs: [f32(matrix, 4)],
    attributes: { approximate: string("tanh") },
    opset: 20,
    tolerance: ulp,
  },
  { op: "Mish", inputs: [f32(matrix, 4)], opset: 18, tolerance: ulp },
  { op: "Clip", inputs: [f32(matrix), one(-0.5), one(1)] },
  { op: "Clip", inputs: [i64(matrix, -9, 9), undefined, scalar(3)] },
  { op: "Clip", inputs: [i64(matrix, -9, 9), scalar(-3)] },
  ...each("Add Sub Mul Div Min Max", (op) => [
    { op, inputs: [f32([3, 1]), f32([2, 1, 4])] },
    { op, inputs: [i64([3, 1], -99, 99), i64([2, 1, 4], 1, 9)] },
    { op, inputs: [i32([3], -99, 99), typed("int32", [], [7])] },
  ]),
  ...each("Add Sub Mul Div", (op) => [
    { op, inputs: [big(2n ** 62n, 2n ** 53n + 1n, -(2n ** 63n) + 5n), big(3n, 2n, -7n)] },
  ]),
  ...each("Min Max", (op) => [{ op, inputs: [big(2n ** 63n - 1n, 5n), big(2n ** 63n - 2n, 2n ** 62n)] }]),
  ...each("Min Max Sum Mean", (op) => [
    { op, inputs: [f32([3, 1]), f32([4]), f32([2, 3, 4])], tolerance: ulp },
  ]),
  { op: "Max", inputs: [f32([4])] },
  { op: "Pow", inputs: [positive(matrix), one(2.5)], tolerance: ulp },
  { op: "Pow", inputs: [f32(matrix), i64([4], 0, 4)], tolerance: ulp },
  { op: "Pow", inputs: [i64(matrix, -5, 5), vector(3)] },
  { op: "Mod", inputs: [i64(matrix, -20, 20), vector(3, -3, 7, -7)] },
  { op: "Mod", inputs: [i64(matrix, -20, 20), vector(3, -3, 7, -7)], attributes: { fmod: int(1) } },
  { op: "Mod", inputs: [i32(matrix, -20, 20), typed("int32", [1], [-6])] },
  { op: "Mod", inputs: [f32(matrix, 9), one(2.5)], attributes: { fmod: int(1) } },
  ...each("Equal Greater GreaterOrEqual Less LessOrEqual", (op) => [
    { op, inputs: [i64([3, 1], 0, 3), i64([4], 0, 3)] },
    { op, inputs: [float32Tensor([1, 2, Number.NaN], [3]), float32Tensor([1, 3, Number.NaN], [3])] },
    { op, inputs: [big(2n ** 63n - 1n, 2n ** 62n), big(2n ** 63n - 2n, 2n ** 62n)] },
  ]),
  { op: "Equal", inputs: [bool([4]), bool([3, 4])] },
  ...each("And Or Xor", (op) => [{ op, inputs: [bool([3, 1]), bool([4])] }]),
  { op: "Not", inputs: [bool(matrix)] },
  { op: "IsNaN", inputs: [float32Tensor([1, Number.NaN, Infinity], [3])] },
  { op: "IsInf", inputs: [float32Tensor([1, Number.NaN, Infinity, -Infinity], [4])] },
  {
    op: "IsInf",
    inputs: [float32Tensor([Infinity, -Infinity], [2])],
    attributes: { detect_negative: int(0) },
  },
  { op: "Where", inputs: [bool([3, 1]), f32([4]), f32([2, 1, 1])] },
  { op: "Where", inputs: [bool([2]), big(2n ** 63n - 1n, 3n), big(-(2n ** 63n), 2n ** 62n)] },
  ...each("BitwiseAnd BitwiseOr BitwiseXor", (op) => [
    { op, inputs: [i64(matrix, -99, 99), i64([4], 0, 99)], opset: 18 },
    { op, inputs: [typed("uint8", [2], [200, 15]), typed("uint8", [2], [77, 240])], opset: 18 },
  ]),
  { op: "BitwiseNot", inputs: [typed("uint8", [2], [200, 15])], opset: 18 },
  { op: "BitwiseNot", inputs: [i64([3], -9, 9)], opset: 18 },
  ...["LEFT", "RIGHT"].map((direction) => ({
    op: "BitShift",
    inputs: [typed("uint32", [3], [1, 200, 3_000_000_000]), typed("uint32", [1], [2])],
    attributes: { direction: string(direction) },
  })),
  { op: "Cast", inputs: [float32Tensor([-2.7, -0.5, 0, 0.5, 2.7], [5])], attributes: to("int64") },
  { op: "Cast", inputs: [float32Tensor([-2.7, -0.5, 0, 0.5, 2.7], [5])], attributes: to("int32") },
  { op: "Cast", inputs: [float32Tensor([-2.7, 0, 0.5], [3])], attributes: to("bool") },
  { op: "Cast", inputs: [float32Tensor([-Infinity, 3, 1e30], [3])], attributes: to("int64") },
  { op: "Cast", inputs: [f32(matrix)], attributes: to("float64") },
  { op: "Cast", inputs: [big(2n ** 32n + 5n, -1n, 300n)], attributes: to("int32") },
  { op: "Cast", inputs: [big(2n ** 32n + 5n, -1n, 300n)], attributes: to("uint8") },
  { op: "Cast", inputs: [big(2n ** 53n + 1n, -7n)], attributes: to("float32") },
  { op: "Cast", inputs: [vector(0, 3, -1)], attributes: to("bool") },
  { op: "Cast", inputs: [bool(matrix)], attributes: to("int64") },
  { op: "Cast", inputs: [bool(matrix)], attributes: to("float32") },
  { op: "Cast", inputs: [typed("float64", [2], [0.1, 1e300])], attributes: to("float32") },
  { op: "CastLike", inputs: [vector(1, 2), one(0)] },
  ...each("ReduceSum", (op) => [
    { op, inputs: [f32([2, 3, 4]), vector(1)], tolerance: ulp },
    { op, inputs: [i64([2, 3, 4], -9, 9), vector(0, -1)], attributes: { keepdims: int(0) } },
    { op, inputs: [f32([2, 3])], attributes: { noop_with_empty_axes: int(1) } },
    { op, inputs: [f32([2, 3])], tolerance: ulp },
  ]),
  ...each(
    "ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSumExp ReduceSumSquare",
    (op) => [
      { op, inputs: [f32([2, 3, 4])], attributes: { axes: ints([-2]) }, tolerance: ulp },
      { op, inputs: [f32([2, 3, 4])], attributes: { axes: ints([0, 2]), keepdims: int(0) }, tolerance: ulp },
      { op, inputs: [i32([2, 3], 1, 9)], tolerance: ulp },
    ],
  ),
  { op: "ReduceLogSum", inputs: [positive([2, 3])], attributes: { axes: ints([1]) }, tolerance: ulp },
  ...each("ArgMax ArgMin", (op) => [
    { op, inputs: [f32([2, 3, 4])], attributes: { axis: int(1) } },
    { op, inputs: [i64([3, 8], 0, 3)], attributes: { axis: int(-1), keepdims: int(0) } },
    { op, inputs: [i64([3, 8], 0, 3)], attributes: { axis: int(1), select_last_index: int(1) } },
  ]),
  { op: "CumSum", inputs: [f32([2, 3, 4]), scalar(1)], tolerance: ulp },
  { op: "CumSum", inputs: [i64([2, 5], -9, 9), scalar(-1)], attributes: { exclusive: int(1) } },
  {
    op: "CumSum",
    inputs: [i64([2, 5], -9, 9), scalar(1)],
    attributes: { reverse: int(1), exclusive: int(1) },
  },
  ...each("Softmax LogSoftmax", (op) => [
    { op, inputs: [f32([2, 3, 4])], tolerance: ulp },
    { op, inputs: [f32([2, 3, 4])], attributes: { axis: int(1) }, tolerance: ulp },
  ]),
  { op: "TopK", inputs: [f32([2, 5]), vector(3)], outputs: 2 },
  { op: "TopK", inputs: [f32([4, 3]), vector(2)], attributes: { axis: int(0), largest: int(0) }, outputs: 2 },
  { op: "TopK", inputs: [float32Tensor([1, 3, 3, 1, 3], [5]), vector(4)], outputs: 2 },
  { op: "LayerNormalization", inputs: [f32([2, 3, 4]), f32([4]), f32([4])], tolerance: ulp },
  {
    op: "LayerNormalization",
    inputs: [f32([2, 3, 4]), f32([3, 4])],
    attributes: { axis: int(1), epsilon: float(0.1) },
    tolerance: ulp,
  },
  {
    op: "BatchNormalization",
    inputs: [f32([2, 3, 4]), f32([3]), f32([3]), f32([3]), positive([3])],
    tolerance: ulp,
  },
  {
    op: "BatchNormalization",
    inputs: [f32([2, 3, 4]), f32([3]), f32([3]), f32([3]), positive([3])],
    attributes: { training_mode: int(1), epsilon: float(0.1) },
    outputs: 3,
    compared: 1,
    tolerance: ulp,
  },
  { op: "Identity", inputs: [i64(matrix, 0, 9)] },
  { op: "Reshape", inputs: [f32([2, 6]), vector(0, -1, 3)] },
  { op: "Reshape", inputs: [f32([0, 6]), vector(6, 0)], attributes: { allowzero: int(1) } },
  { op: "Flatten", inputs: [f32([2, 3, 4])], attributes: { axis: int(2) } },
  { op: "Squeeze", inputs: [f32([1, 3, 1]), vector(-1)] },
  { op: "Squeeze", inputs: [f32([1, 3, 1])] },
  { op: "Unsqueeze", inputs: [i64([3], 0, 9), vector(0, -1)] },
  { op: "Transpose", inputs: [bool([2, 3, 4])] },
  { op: "Transpose", inputs: [f32([2, 3, 4])], attributes: { perm: ints([1, 0, 2]) } },
  { op: "Expand", inputs: [i64([3, 1], 0, 9), vector(2, 1, 4)] },
  { op: "Tile", inputs: [f32([2, 3]), vector(2, 3)] },
  { op: "Tile", inputs: [i64([2, 1], 0, 9), vector(1, 3)] },
  { op: "Concat", inputs: [f32([2, 3]), f32([2, 1]), f32([2, 2])], attributes: { axis: int(-1) } },
  { op: "Split", inputs: [f32([5, 2]), vector(2, 3)], outputs: 2 },
  { op: "Split", inputs: [i64([2, 6], 0, 9)], attributes: { axis: int(1) }, outputs: 3 },
  { op: "Slice", inputs: [f32([5, 6]), vector(1, -1), vector(4, -100), vector(0, 1), vector(2, -2)] },
  { op: "Slice", inputs: [f32([5, 6]), vector(2), vector(2 ** 31 - 1)] },
  { op: "Slice", inputs: [f32([5, 6]), vector(-3), vector(-1), undefined, vector(1)] },
  { op: "Slice", inputs: [f32([5]), vector(3), vector(1)] },
  { op: "Pad", inputs: [f32([2, 3]), vector(1, 2, 0, 1), one(9)] },
  { op: "Pad", inputs: [i64([2, 3], 0, 9), vector(0, -1, 1, 1)] },
  ...["edge", "reflect"].map((mode) => ({
    op: "Pad",
    inputs: [f32([4, 3]), vector(2, 1, 3, 2)],
    attributes: { mode: string(mode) },
  })),
  { op: "Pad", inputs: [f32([4, 3]), vector(2, 1, 3, 2)], attributes: { mode: string("wrap") }, opset: 19 },
  ...["DCR", "CRD"].map((mode) => ({
    op: "DepthToSpace",
    inputs: [f32([2, 8, 2, 3])],
    attributes: { blocksize: int(2), mode: string(mode) },
  })),
  { op: "SpaceToDepth", inputs: [f32([2, 3, 4, 6])], attributes: { blocksize: int(2) } },
  { op: "Gather", inputs: [f32([4, 3]), i64([2, 2], -4, 4)] },
  { op: "Gather", inputs: [f32([2, 4, 3]), vector(2, 0)], attributes: { axis: int(1) } },
  { op: "Gather", inputs: [vector(5, 6, 7), scalar(-1)] },
  { op: "GatherElements", inputs: [f32([3, 4]), i64([2, 4], -3, 3)] },
  { op: "GatherElements", inputs: [f32([3, 4]), i64([3, 2], 0, 4)], attributes: { axis: int(1) } },
  { op: "GatherND", inputs: [f32([3, 4, 2]), i64([5, 2], 0, 3)] },
  { op: "GatherND", inputs: [f32([3, 4, 2]), i64([3, 2, 1], -4, 4)], attributes: { batch_dims: int(1) } },
  { op: "ScatterND", inputs: [f32([4, 3]), vector2([[1], [3]]), f32([2, 3])] },
  {
    op: "ScatterND",
    inputs: [
      f32([4, 3]),
      vector2([
        [1, 2],
        [-1, 0],
      ]),
      f32([2]),
    ],
  },
  {
    op: "ScatterND",
    inputs: [f32([4, 3]), vector2([[1], [1]]), f32([2, 3])],
    attributes: { reduction: string("add") },
    tolerance: ulp,
  },
  { op: "ScatterElements", inputs: [f32([3, 3]), vector2([[1, 0, 2]]), f32([1, 3])] },
  {
    op: "ScatterElements",
    inputs: [
      i64([2, 5], 0, 9),
      vector2([
        [1, 1],
        [0, -1],
      ]),
      i64([2, 2], 0, 9),
    ],
    attributes: { axis: int(1), reduction: string("add") },
  },
  {
    op: "ScatterElements",
    inputs: [f32([3]), vector(1, 1), f32([2])],
    attributes: { reduction: string("mul") },
  },
  { op: "OneHot", inputs: [vector(1, -1, 5), scalar(4), float32Tensor([-1, 2], [2])] },
  { op: "OneHot", inputs: [i64([2, 2], 0, 3), scalar(3), vector(0, 1)], attributes: { axis: int(1) } },
  { op: "Trilu", inputs: [f32([2, 3, 4])] },
  { op: "Trilu", inputs: [f32([4, 4]), scalar(1)] },
  { op: "Trilu", inputs: [i64([4, 3], 1, 9), scalar(-1)], attributes: { upper: int(0) } },
  { op: "ConstantOfShape", inputs: [vector(2, 3)] },
  {
    op: "ConstantOfShape",
    inputs: [vector(70)],
    attributes: { value: { type: "tensor", value: vector(7) } },
  },
  { op: "Range", inputs: [scalar(3), scalar(80), scalar(2)] },
  { op: "Range", inputs: [scalar(10), scalar(-3), scalar(-4)] },
  { op: "Range", inputs: [one(0.5), one(3), one(0.3)], tolerance: ulp },
  ...["HannWindow", "HammingWindow", "BlackmanWindow"].flatMap((op) =>
    [0, 1].flatMap((periodic) =>
      [5, 7, 16].map((size) => ({
        op,
        inputs: [scalar(size)],
        attributes: { periodic: int(periodic) },
        tolerance: ulp,
      })),
    ),
  ),
  ...[
    [8, 64, 16000, 0, 8000],
    [4, 33, 8000, 100, 3000],
    [20, 32, 16000, 20, 7600],
  ].map(([bands = 1, length = 1, rate = 1, low = 0, high = 1]) => ({
    op: "MelWeightMatrix",
    inputs: [
      scalar(bands),
      scalar(length),
      scalar(rate),
      float32Tensor([low], []),
      float32Tensor([high], []),
    ],
    tolerance: ulp,
  })),
  { op: "EyeLike", inputs: [f32([3, 4])], attributes: { k: int(1) } },
  { op: "Shape", inputs: [f32([3, 4, 5])], attributes: { start: int(1) } },
  { op: "Size", inputs: [f32([3, 4])] },
  { op: "NonZero", inputs: [i64([3, 4], 0, 2)] },
  { op: "NonZero", inputs: [bool([5])] },
  { op: "Compress", inputs: [f32([3, 4]), bool([10])] },
  { op: "Compress", inputs: [f32([3, 4]), typed("bool", [3], [1, 0, 1])], attributes: { axis: int(0) } },
  {
    op: "Compress",
    inputs: [f32([2, 4, 3]), typed("bool", [4], [0, 1, 0, 1])],
    attributes: { axis: int(-2) },
  },
  { op: "QuantizeLinear", inputs: [f32([2, 3, 4]), float32Tensor([0.01], []), typed("int8", [], [3])] },
  {
    op: "QuantizeLinear",
    inputs: [f32([2, 3, 4]), float32Tensor([0.01, 0.02, 0.005], [3]), typed("uint8", [3], [128, 0, 255])],
  },
  {
    op: "DequantizeLinear",
    inputs: [typed("uint8", [2, 3], [0, 9, 255, 7, 128, 1]), float32Tensor([0.01, 0.3], [2])],
    attributes: { axis: int(0) },
  },
  { op: "MatMul", inputs: [f32([2, 1, 3, 4]), f32([3, 4, 5])], tolerance: ulp },
  { op: "MatMul", inputs: [f32([4]), f32([4, 5])], tolerance: ulp },
  { op: "MatMul", inputs: [f32([2, 3, 4]), f32([4])], tolerance: ulp },
  {
    op: "Gemm",
    inputs: [f32([4, 3]), f32([5, 4]), f32([5])],
    attributes: { transA: int(1), transB: int(1), alpha: float(0.5), beta: float(2) },
    tolerance: ulp,
  },
  { op: "Gemm", inputs: [f32([3, 4]), f32([4, 5])], tolerance: ulp },
  ...["i,j->ij", "bij,bjk->bik", "ij->ji", "ii->i", "ij->", "bhwc,hkc->bhwk"].map((equation) => ({
    op: "Einsum",
    inputs: operands(equation),
    attributes: { equation: string(equation) },
    tolerance: ulp,
  })),
  {
    op: "Einsum",
    inputs: [f32([2, 3]), f32([3, 2])],
    attributes: { equation: string("ij,jk") },
    tolerance: ulp,
  },
];

function vector2(rows: readonly (readonly number[])[]): Tensor {
  return int64Tensor(rows.flat(), [rows.length, rows[0]?.length ?? 0]);
}

/** Every letter has a size of its own. */
function operands(equation: string): Tensor[] {
  const sizes: Record<string, number> = { i: 3, j: 4, k: 2, b: 2, h: 3, w: 2, c: 4 };
  const [terms = ""] = equation.split("->");
  return terms.split(",").map((term) => f32([...term].map((letter) => sizes[letter] ?? 1)));
}
