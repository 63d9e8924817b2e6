/**
 * What operators share that work element by element. Floats are computed in float64 and rounded once; int64 and uint64
 * are computed as `bigint`, so they are exact and wrap around as in C.
 */

import { type DataType, type Dim, type Tensor, numberAttribute } from "../graph.ts";
import { bigIntegersOf, isFloat, numbersOf, sizeOf } from "../tensor.ts";
import { bigTensor, broadcastReader, computed, isBig, stretched } from "./evaluating.ts";
import { broadcastShapes, elementsOf, input, withElements } from "./inferring.ts";
import type { Evaluate, Inputs, ShapeRule } from "./operator.ts";

export type Combine = (a: Dim, b: Dim, dataType: DataType) => Dim | undefined;

/** Rounds what arithmetic gives as the element type does. */
export const rounded = (value: number, dataType: DataType): number =>
  dataType === "float32" ? Math.fround(value) : isFloat(dataType) ? value : Math.trunc(value);

export const onNumbers =
  (combine: (a: number, b: number) => number, orElse: Combine = () => undefined): Combine =>
  (a, b, dataType) =>
    typeof a === "number" && typeof b === "number"
      ? rounded(combine(a, b), dataType)
      : orElse(a, b, dataType);

function combineElements(
  inputs: Inputs,
  combine: Combine,
  dataType: DataType,
): (Dim | undefined)[] | undefined {
  const lists = inputs.map(elementsOf);
  const [first, ...rest] = lists;
  if (!first || rest.some((list) => !list)) return undefined;
  let result: (Dim | undefined)[] = [...first];
  for (const list of rest) {
    if (!list) return undefined;
    const length = Math.max(result.length, list.length);
    if (![result, list].every((l) => l.length === length || l.length === 1)) return undefined;
    const left = result;
    result = Array.from({ length }, (_, i) => {
      const a = left[left.length === 1 ? 0 : i];
      const b = list[list.length === 1 ? 0 : i];
      return a === undefined || b === undefined ? undefined : combine(a, b, dataType);
    });
  }
  return result;
}

/** Broadcast of any number of inputs of one type. */
export const broadcast =
  (combine?: Combine, result?: DataType): ShapeRule =>
  (node, inputs) => {
    const infos = inputs.map((_, i) => input(node, inputs, i));
    const { dataType } = input(node, inputs, 0);
    const shape = broadcastShapes(
      node,
      infos.map((info) => info.shape),
    );
    // fmod takes the dividend's sign; no shape arithmetic uses it.
    const isOther = numberAttribute(node, "fmod", 0) === 1;
    // Pow's type is its base's, whatever its exponent's type is.
    const elements = combine && !isOther ? combineElements(infos, combine, result ?? dataType) : undefined;
    return [withElements(result ?? dataType, shape, elements)];
  };

/** Known elements go through the function; a symbol stays itself where it is a whole number ≥ 0 (`keepsSizes`). */
export const through =
  (apply: OnNumber, keepsSizes: boolean = false): ShapeRule =>
  (node, inputs) => {
    const info = input(node, inputs, 0);
    const { dataType, shape } = info;
    const elements = elementsOf(info)?.map((element) =>
      typeof element === "number" ? rounded(apply(element), dataType) : keepsSizes ? element : undefined,
    );
    return [withElements(dataType, shape, elements)];
  };

export type OnNumber = (value: number) => number;

export type OnNumbers = (a: number, b: number) => number;

export type OnBig = (value: bigint) => bigint;

/** Gives undefined where the result is not defined: a division by zero. */
export type OnBigs = (a: bigint, b: bigint) => bigint | undefined;

export const unary =
  (apply: OnNumber, big?: OnBig): Evaluate =>
  ({ inputs: [x], dims, dataType }) => {
    if (!x) return undefined;
    if (!isBig(dataType)) return computed(dataType, Float64Array.from(numbersOf(x), apply), dims);
    return big && bigTensor(dataType, Array.from(bigIntegersOf(x), big), dims);
  };

export function combined(a: Tensor, b: Tensor, dims: readonly number[], apply: OnNumbers): Float64Array {
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
export const binary =
  (apply: OnNumbers, big?: OnBigs, whole: OnNumbers = apply): Evaluate =>
  ({ inputs: [a, b], dims, dataType }) => {
    if (!a || !b) return undefined;
    if (isBig(dataType)) {
      const out = big && combinedBig(a, b, dims, big);
      return out && bigTensor(dataType, out, dims);
    }
    return computed(dataType, combined(a, b, dims, isFloat(dataType) ? apply : whole), dims);
  };

/** Any number of inputs, combined from the left. */
export const variadic =
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
