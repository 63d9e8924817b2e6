/** Arithmetic and mathematical functions, element by element. */

import { type Dim, numberAttribute } from "../graph.ts";
import { isFloat, numbersOf } from "../tensor.ts";
import {
  type Combine,
  type OnBig,
  type OnBigs,
  type OnNumber,
  binary,
  broadcast,
  combined,
  onNumbers,
  through,
  unary,
  variadic,
} from "./elementwise.ts";
import { erf } from "./erf.ts";
import { computed, exactNumbers } from "./evaluating.ts";
import { like } from "./inferring.ts";
import type { Evaluate, Operators } from "./operator.ts";
import { exactQuotient, floorDivide, plus, product } from "./sizes.ts";

const whole = (dim: Dim): dim is number => typeof dim === "number" && Number.isInteger(dim);

const mean: Evaluate = (call) => {
  const sum = variadic((a, b) => a + b)({ ...call, dataType: "float64" });
  if (!sum || !("bytes" in sum) || !isFloat(call.dataType)) return undefined;
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
  return computed(dataType, isFloat(dataType) ? out : out.map(Math.trunc), dims);
};

/** fmod = 0: the divisor's sign, for integers; 1: the dividend's, as C's fmod. */
const modulo: Evaluate = (call) => {
  const asInC = numberAttribute(call.node, "fmod", 0) === 1;
  if (!asInC && isFloat(call.dataType)) return undefined;
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

/** Functions that are in JavaScript's `Math` under the same name. */
const named: Operators = Object.fromEntries(
  ("Acos Acosh Asin Asinh Atan Atanh Cos Cosh Exp Log Sin Sinh Tan Tanh" as string)
    .split(" ")
    .map((name) => [name, { shape: like, evaluate: unary(Math[name.toLowerCase() as "cos"]) }]),
);

const sameSize: Combine = (a, b) => (a === b ? a : undefined);

export const arithmetic: Operators = {
  ...named,
  Sqrt: { shape: through(Math.sqrt), evaluate: unary(Math.sqrt) },
  Neg: {
    shape: through((x) => -x),
    evaluate: unary(
      (x) => -x,
      (x) => -x,
    ),
  },
  Abs: { shape: through(Math.abs, true), evaluate: unary(Math.abs, absBig) },
  Floor: { shape: through(Math.floor, true), evaluate: unary(Math.floor) },
  Ceil: { shape: through(Math.ceil, true), evaluate: unary(Math.ceil) },
  Round: { shape: like, evaluate: unary(round) },
  Sign: { shape: like, evaluate: unary(Math.sign, (x) => (x === 0n ? 0n : x / absBig(x))) },
  Reciprocal: { shape: like, evaluate: unary((x) => 1 / x) },
  Erf: { shape: like, evaluate: unary(erf) },
  Add: {
    shape: broadcast(
      onNumbers(
        (a, b) => a + b,
        (a, b) => (whole(b) ? plus(a, b) : whole(a) ? plus(b, a) : undefined),
      ),
    ),
    evaluate: binary(
      (a, b) => a + b,
      (a, b) => a + b,
    ),
  },
  Sub: {
    shape: broadcast(
      onNumbers(
        (a, b) => a - b,
        (a, b) => (a === b ? 0 : whole(b) ? plus(a, -b) : undefined),
      ),
    ),
    evaluate: binary(
      (a, b) => a - b,
      (a, b) => a - b,
    ),
  },
  Mul: {
    shape: broadcast(
      onNumbers(
        (a, b) => a * b,
        (a, b) => {
          const factors = [a, b];
          // Names have no sign: a symbol times -1 is not a size.
          return factors.every((f) => typeof f === "string" || (whole(f) && f >= 0))
            ? product(factors)
            : undefined;
        },
      ),
    ),
    evaluate: binary(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  },
  Div: {
    shape: broadcast(
      onNumbers(
        (a, b) => a / b,
        (a, b, dataType) => {
          const exact = exactQuotient(a, b);
          if (exact !== undefined || isFloat(dataType)) return exact;
          return typeof a === "string" && whole(b) && b > 0 ? floorDivide(a, b) : undefined;
        },
      ),
    ),
    evaluate: binary(
      (a, b) => a / b,
      (a, b) => (b === 0n ? undefined : a / b),
      (a, b) => Math.trunc(a / b),
    ),
  },
  Mod: { shape: broadcast(onNumbers((a, b) => a - b * Math.floor(a / b))), evaluate: modulo },
  Pow: { shape: broadcast(onNumbers((a, b) => a ** b)), evaluate: power },
  Min: {
    shape: broadcast(onNumbers(Math.min, sameSize)),
    evaluate: variadic(Math.min, (a, b) => (a < b ? a : b)),
  },
  Max: {
    shape: broadcast(onNumbers(Math.max, sameSize)),
    evaluate: variadic(Math.max, (a, b) => (a > b ? a : b)),
  },
  Sum: {
    shape: broadcast(),
    evaluate: variadic(
      (a, b) => a + b,
      (a, b) => a + b,
    ),
  },
  Mean: { shape: broadcast(), evaluate: mean },
};
