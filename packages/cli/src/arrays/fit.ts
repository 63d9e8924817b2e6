/** Whether an array is one sample of a model's input, or several, or none. */

import type { DataType, Shape } from "@relprop/core/onnx";

/** A model's input, as far as feeding it goes. */
export interface FedInput {
  readonly name: string;
  readonly dataType: DataType;
  readonly shape: Shape;
}

/** How an array is taken apart. */
export interface Fit {
  /** How many samples it has. */
  readonly samples: number;
  /** Whether its first axis counts them; else it is one sample. */
  readonly isStacked: boolean;
  /** Sizes of a sample, as the model has them. */
  readonly sample: readonly number[];
}

const matches = (dims: readonly number[], shape: Shape): boolean =>
  dims.length === shape.length &&
  dims.every((dim, axis) => typeof shape[axis] === "string" || shape[axis] === dim);

const alone = (sample: readonly number[]): Fit => ({ samples: 1, isStacked: false, sample });

/**
 * Takes an array for samples of an input whose first axis counts samples: several of the model's rank, one of a rank less,
 * and, where the model has an axis of one channel, both without it.
 */
export function fitOf(dims: readonly number[], { shape }: Pick<FedInput, "shape">): Fit | undefined {
  const [, ...own] = shape;
  const [first = 1, ...rest] = dims;
  const stacked = (sample: readonly number[]): Fit => ({ samples: first, isStacked: true, sample });
  const ways = [
    ...(dims.length > 0 ? [stacked(rest)] : []),
    alone(dims),
    ...(own[0] === 1 ? [...(dims.length > 0 ? [stacked([1, ...rest])] : []), alone([1, ...dims])] : []),
  ];
  return ways.find(({ sample }) => matches(sample, own));
}

/** An array or input in words: `8×128`, `a number`. */
export const sizesText = (dims: Shape): string => (dims.length === 0 ? "a number" : dims.join("×"));
