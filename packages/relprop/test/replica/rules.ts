/** The rules of docs/rules.md §2 on dense matrices in float64, written from the formulas, one line of algebra a line of code. */

import { multiply, multiplyTransposed, type Matrix } from "./dense-operators.ts";

type Vector = Float64Array;

export interface DenseLayer {
  readonly x: Vector;
  readonly weights: Vector;
  /** One number for each output position. */
  readonly bias: Vector;
  /** The operator's matrix for weights that a rule has modified. */
  readonly matrix: (weights: Vector) => Matrix;
}

export type DenseRule = (layer: DenseLayer, R: Vector) => Vector;

const map = (a: Vector, f: (n: number, i: number) => number): Vector => a.map(f);
const at = (a: Vector, i: number): number => a[i] as number;
const plus = (a: Vector, ...rest: Vector[]): Vector =>
  map(a, (n, i) => rest.reduce((sum, v) => sum + at(v, i), n));
const minus = (a: Vector, b: Vector): Vector => map(a, (n, i) => n - at(b, i));
const times = (a: Vector, b: Vector): Vector => map(a, (n, i) => n * at(b, i));
const scaled = (a: Vector, factor: number): Vector => map(a, (n) => n * factor);
const positive = (a: Vector): Vector => map(a, (n) => Math.max(n, 0));
const negative = (a: Vector): Vector => map(a, (n) => Math.min(n, 0));
const stabilized = (z: Vector, epsilon: number): Vector => map(z, (n) => n + (n >= 0 ? epsilon : -epsilon));
const share = (R: Vector, z: Vector, epsilon: number): Vector => {
  const den = stabilized(z, epsilon);
  return map(R, (n, i) => n / at(den, i));
};

export const epsilon =
  (e = 1e-6): DenseRule =>
  ({ x, weights, bias, matrix }, R) => {
    const W = matrix(weights);
    return times(x, multiplyTransposed(W, share(R, plus(multiply(W, x), bias), e)));
  };

export const zplus =
  ({ e = 1e-6, withBias = true, ones = false } = {}): DenseRule =>
  (layer, R) => {
    const x = ones ? layer.x.map(() => 1) : layer.x;
    const [Wp, Wn] = [layer.matrix(positive(layer.weights)), layer.matrix(negative(layer.weights))];
    const den = plus(
      multiply(Wp, positive(x)),
      multiply(Wn, negative(x)),
      scaled(positive(layer.bias), withBias ? 1 : 0),
    );
    const s = share(R, den, e);
    return plus(times(positive(x), multiplyTransposed(Wp, s)), times(negative(x), multiplyTransposed(Wn, s)));
  };

export const alphaBeta =
  (alpha: number, beta: number, e = 1e-6): DenseRule =>
  ({ x, weights, bias, matrix }, R) => {
    const [Wp, Wn, xp, xn] = [matrix(positive(weights)), matrix(negative(weights)), positive(x), negative(x)];
    const sa = share(R, plus(multiply(Wp, xp), multiply(Wn, xn), positive(bias)), e);
    const sb = share(R, plus(multiply(Wn, xp), multiply(Wp, xn), negative(bias)), e);
    const forIt = plus(times(xp, multiplyTransposed(Wp, sa)), times(xn, multiplyTransposed(Wn, sa)));
    const against = plus(times(xp, multiplyTransposed(Wn, sb)), times(xn, multiplyTransposed(Wp, sb)));
    return minus(scaled(forIt, alpha), scaled(against, beta));
  };

export const gamma =
  (g = 0.25, e = 1e-6): DenseRule =>
  ({ x, weights, bias, matrix }, R) => {
    const P = matrix(plus(weights, scaled(positive(weights), g)));
    const N = matrix(plus(weights, scaled(negative(weights), g)));
    const [p, n] = [plus(bias, scaled(positive(bias), g)), plus(bias, scaled(negative(bias), g))];
    const [xp, xn] = [positive(x), negative(x)];
    const z = plus(multiply(matrix(weights), x), bias);
    const sp = map(share(R, plus(multiply(P, xp), multiply(N, xn), p), e), (v, i) => (at(z, i) > 0 ? v : 0));
    const sn = map(share(R, plus(multiply(N, xp), multiply(P, xn), n), e), (v, i) => (at(z, i) < 0 ? v : 0));
    return plus(
      times(xp, plus(multiplyTransposed(P, sp), multiplyTransposed(N, sn))),
      times(xn, plus(multiplyTransposed(N, sp), multiplyTransposed(P, sn))),
    );
  };

export const zbox =
  (low: number, high: number, e = 1e-6): DenseRule =>
  ({ x, weights, matrix }, R) => {
    const [W, Wp, Wn] = [matrix(weights), matrix(positive(weights)), matrix(negative(weights))];
    const [l, h] = [x.map(() => low), x.map(() => high)];
    const s = share(R, minus(minus(multiply(W, x), multiply(Wp, l)), multiply(Wn, h)), e);
    return minus(
      minus(times(x, multiplyTransposed(W, s)), times(l, multiplyTransposed(Wp, s))),
      times(h, multiplyTransposed(Wn, s)),
    );
  };

export const wsquare =
  (e = 1e-6): DenseRule =>
  ({ x, weights, bias, matrix }, R) => {
    const squares = matrix(times(weights, weights));
    const den = plus(
      multiply(
        squares,
        x.map(() => 1),
      ),
      times(bias, bias),
    );
    return multiplyTransposed(squares, share(R, den, e));
  };

export const flat =
  (e = 1e-6): DenseRule =>
  ({ x, weights, matrix }, R) => {
    const ones = matrix(weights.map(() => 1));
    return multiplyTransposed(
      ones,
      share(
        R,
        multiply(
          ones,
          x.map(() => 1),
        ),
        e,
      ),
    );
  };
