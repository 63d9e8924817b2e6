/**
 * Arithmetic and activations, element by element. Floats are computed in float64 and rounded once; int64 and uint64
 * are computed as `bigint`, so they are exact and wrap around as in C.
 */

import { type DataType, type Node, type Tensor, numberAttribute, stringAttribute } from "../../onnx/graph.ts";
import { numbersOf, sizeOf } from "../../onnx/tensor.ts";
import { erf } from "./erf.ts";
import {
  type Call,
  type Evaluate,
  type Evaluators,
  bigIntegersOf,
  bigTensor,
  broadcastReader,
  computed,
  exactNumbers,
  isBig,
  isFloating,
  stretched,
} from "./evaluator.ts";

type OnNumber = (value: number) => number;
type OnNumbers = (a: number, b: number) => number;
type OnBig = (value: bigint) => bigint;
/** Gives undefined where the result is not defined: a division by zero. */
type OnBigs = (a: bigint, b: bigint) => bigint | undefined;

const unary =
  (apply: OnNumber, big?: OnBig): Evaluate =>
  ({ inputs: [x], dims, dataType }) => {
    if (!x) return undefined;
    if (!isBig(dataType)) return computed(dataType, Float64Array.from(numbersOf(x), apply), dims);
    return big && bigTensor(dataType, Array.from(bigIntegersOf(x), big), dims);
  };

/** An activation with parameters. */
const activation =
  (make: (node: Node) => OnNumber): Evaluate =>
  (call) =>
    unary(make(call.node))(call);

function combined(a: Tensor, b: Tensor, dims: readonly number[], apply: OnNumbers): Float64Array {
  const [left, right] = [broadcastReader(a, dims), broadcastReader(b, dims)];
  const out = new Float64Array(sizeOf(dims));
  for (let i = 0; i < out.length; i++) out[i] = apply(left(i), right(i));
  return out;
}

function combinedBig(a: Tensor, b: Tensor, dims: readonly number[], apply: OnBigs): bigint[] | undefined {
  const right = bigIntegersOf(stretched(b, dims));
  const out: bigint[] = [];
  for (const [i, value] of bigIntegersOf(stretched(a, dims)).entries()) {
    const result = apply(value, right[i] ?? 0n);
    if (result === undefined) return undefined;
    out.push(result);
  }
  return out;
}

/** Operators of two inputs of one type. `whole` is for integers that fit a number, `big` for those that do not. */
const binary =
  (apply: OnNumbers, big?: OnBigs, whole: OnNumbers = apply): Evaluate =>
  ({ inputs: [a, b], dims, dataType }) => {
    if (!a || !b) return undefined;
    if (isBig(dataType)) {
      const out = big && combinedBig(a, b, dims, big);
      return out && bigTensor(dataType, out, dims);
    }
    return computed(dataType, combined(a, b, dims, isFloating(dataType) ? apply : whole), dims);
  };

/** Any number of inputs, combined from the left. */
const variadic =
  (apply: OnNumbers, big?: OnBigs): Evaluate =>
  ({ inputs: [first, ...rest], dims, dataType }) => {
    let result = first && stretched(first, dims);
    for (const next of rest) {
      if (!result || !next) return undefined;
      if (isBig(dataType)) {
        const out: bigint[] | undefined = big && combinedBig(result, next, dims, big);
        result = out && bigTensor(dataType, out, dims);
      } else {
        result = computed(dataType, combined(result, next, dims, apply), dims);
      }
    }
    return result;
  };

const mean: Evaluate = (call) => {
  const sum = variadic((a, b) => a + b)({ ...call, dataType: "float64" });
  if (!sum || !("bytes" in sum) || !isFloating(call.dataType)) return undefined;
  return computed(
    call.dataType,
    Array.from(numbersOf(sum), (value) => value / call.inputs.length),
    call.dims,
  );
};

/** The base's type; integers through numbers, as ONNX Runtime does. */
const power: Evaluate = ({ inputs: [base, exponent], dims, dataType }) => {
  const exact = [base, exponent].every((input) => input && exactNumbers(input));
  if (!base || !exponent || !exact) return undefined;
  const out = combined(base, exponent, dims, Math.pow);
  return computed(dataType, isFloating(dataType) ? out : out.map(Math.trunc), dims);
};

/** fmod = 0: the divisor's sign, for integers; 1: the dividend's, as C's fmod. */
const modulo: Evaluate = (call) => {
  const asInC = numberAttribute(call.node, "fmod", 0) === 1;
  if (!asInC && isFloating(call.dataType)) return undefined;
  const big: OnBigs = (a, b) => {
    if (b === 0n) return undefined;
    const rest = a % b;
    return asInC || rest === 0n || rest < 0n === b < 0n ? rest : rest + b;
  };
  return binary((a, b) => (asInC ? a % b : a - b * Math.floor(a / b)), big)(call);
};

/** Half to even. */
const round: OnNumber = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

const absBig: OnBig = (x) => (x < 0n ? -x : x);

/** Limits are optional scalars of the same type. The upper one wins where they contradict each other. */
const clip: Evaluate = ({ inputs: [x, low, high], dims, dataType }) => {
  if (!x) return undefined;
  if (isBig(dataType)) {
    const min = low && bigIntegersOf(low)[0];
    const max = high && bigIntegersOf(high)[0];
    const limit: OnBig = (value) => {
      const raised = min !== undefined && value < min ? min : value;
      return max !== undefined && raised > max ? max : raised;
    };
    return bigTensor(dataType, Array.from(bigIntegersOf(x), limit), dims);
  }
  const min = low ? numbersOf(low)[0] : undefined;
  const max = high ? numbersOf(high)[0] : undefined;
  const limit: OnNumber = (value) => Math.min(Math.max(value, min ?? -Infinity), max ?? Infinity);
  return computed(dataType, Array.from(numbersOf(x), limit), dims);
};

/** The largest and smallest number of the integer types. */
const limits: Partial<Record<DataType, readonly [number, number]>> = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63 - 2 ** 10],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
};

/**
 * Floats without their fraction. C leaves open what a float becomes that the type cannot hold (the logarithm of zero,
 * which a Where discards later): int32 and int64 get their smallest number, as x86 does; else undefined.
 */
function truncated(numbers: ArrayLike<number>, dataType: DataType): number[] | undefined {
  const [low, high] = limits[dataType] ?? [0, 2 ** 64 - 2 ** 11];
  const asOnX86 = dataType === "int32" || dataType === "int64";
  const whole = Array.from(numbers, (value) => {
    const cut = Math.trunc(value);
    return cut >= low && cut <= high ? cut : asOnX86 ? low : Number.NaN;
  });
  return whole.some(Number.isNaN) ? undefined : whole;
}

/** Integers wrap around, floats are cut off. */
function cast(x: Tensor, { dims, dataType }: Call): Tensor | undefined {
  if (x.dataType === dataType) return { ...x, dims };
  const toNumbers = isFloating(dataType) || dataType === "bool";
  if (isBig(x.dataType)) {
    if (isBig(dataType)) return { ...x, dims, dataType };
    const toNumber = (value: bigint): number => Number(toNumbers ? value : BigInt.asIntN(32, value));
    return computed(dataType, Array.from(bigIntegersOf(x), toNumber), dims);
  }
  const numbers = numbersOf(x);
  if (toNumbers) return computed(dataType, numbers, dims);
  const whole = isFloating(x.dataType) ? truncated(numbers, dataType) : Array.from(numbers);
  if (!whole) return undefined;
  return isBig(dataType) ? bigTensor(dataType, whole.map(BigInt), dims) : computed(dataType, whole, dims);
}

const casts: Evaluate = (call) => {
  const [x] = call.inputs;
  return x && cast(x, call);
};

const sigmoid: OnNumber = (x) => 1 / (1 + Math.exp(-x));
const number = numberAttribute;

const gelu = (node: Node): OnNumber =>
  stringAttribute(node, "approximate", "none") === "tanh"
    ? (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    : (x) => 0.5 * x * (1 + erf(x / Math.SQRT2));

const selu = (node: Node): OnNumber => {
  const alpha = number(node, "alpha", 1.6732632423543772);
  const gamma = number(node, "gamma", 1.0507009873554805);
  return (x) => gamma * (x > 0 ? x : alpha * Math.expm1(x));
};

const shrink = (node: Node): OnNumber => {
  const lambda = number(node, "lambd", 0.5);
  const bias = number(node, "bias", 0);
  return (x) => (x < -lambda ? x + bias : x > lambda ? x - bias : 0);
};

const hardSigmoid =
  (alpha: number, beta: number): OnNumber =>
  (x) =>
    Math.max(0, Math.min(1, alpha * x + beta));

const prelu: Evaluate = binary((x, slope) => (x < 0 ? slope * x : x));

/** Unary functions that are in JavaScript's `Math` under the same name. */
const named = Object.fromEntries(
  ("Acos Acosh Asin Asinh Atan Atanh Cos Cosh Exp Log Sin Sinh Sqrt Tan Tanh" as string)
    .split(" ")
    .map((name) => [name, unary(Math[name.toLowerCase() as "cos"])]),
);

const filledLike: Evaluate = ({ node, dims, dataType }) => {
  const [rows = 0, columns = 0] = dims;
  const shift = number(node, "k", 0);
  const flat = Array.from({ length: sizeOf(dims) }, (_, i) =>
    Number((i % columns) - Math.floor(i / columns) === shift && rows > 0),
  );
  return computed(dataType, flat, dims);
};

/** opType -> evaluator. */
export const elementwise: Evaluators = {
  ...named,
  Cast: casts,
  CastLike: casts,
  Neg: unary(
    (x) => -x,
    (x) => -x,
  ),
  Abs: unary(Math.abs, absBig),
  Sign: unary(Math.sign, (x) => (x === 0n ? 0n : x / absBig(x))),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary(round),
  Reciprocal: unary((x) => 1 / x),
  Erf: unary(erf),
  Relu: unary(
    (x) => Math.max(x, 0),
    (x) => (x < 0n ? 0n : x),
  ),
  Sigmoid: unary(sigmoid),
  Softplus: unary((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  Softsign: unary((x) => x / (1 + Math.abs(x))),
  HardSwish: unary((x) => x * hardSigmoid(1 / 6, 0.5)(x)),
  Mish: unary((x) => x * Math.tanh(Math.log1p(Math.exp(x)))),
  Gelu: activation(gelu),
  Selu: activation(selu),
  Shrink: activation(shrink),
  LeakyRelu: activation((node) => {
    const slope = number(node, "alpha", 0.01);
    return (x) => (x < 0 ? slope * x : x);
  }),
  Elu: activation((node) => {
    const alpha = number(node, "alpha", 1);
    return (x) => (x < 0 ? alpha * Math.expm1(x) : x);
  }),
  Celu: activation((node) => {
    const alpha = number(node, "alpha", 1);
    return (x) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha));
  }),
  HardSigmoid: activation((node) => hardSigmoid(number(node, "alpha", 0.2), number(node, "beta", 0.5))),
  ThresholdedRelu: activation((node) => {
    const threshold = number(node, "alpha", 1);
    return (x) => (x > threshold ? x : 0);
  }),
  PRelu: prelu,
  Clip: clip,
  Add: binary(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  Sub: binary(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  Mul: binary(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  Div: binary(
    (a, b) => a / b,
    (a, b) => (b === 0n ? undefined : a / b),
    (a, b) => Math.trunc(a / b),
  ),
  Pow: power,
  Mod: modulo,
  Min: variadic(Math.min, (a, b) => (a < b ? a : b)),
  Max: variadic(Math.max, (a, b) => (a > b ? a : b)),
  Sum: variadic(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  Mean: mean,
  EyeLike: filledLike,
};
