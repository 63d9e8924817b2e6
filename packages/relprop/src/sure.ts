/** Checks of what holds by construction. Unlike a cast, they throw if it does not. */

/** A value that is not undefined. */
export function sure<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("relprop has lost a value: please report this model as a bug");
  return value;
}

/** A size that is a number, not a symbol. */
export function sureNumber(value: number | string | undefined): number {
  if (typeof value === "string")
    throw new OpenSize(`its size ${value} is open, and must be a number for that`);
  return sure(value);
}

/** A size that only a run knows, where a number is needed. */
export class OpenSize extends Error {}

/** The element at an index that is in bounds. Not checked, for hot loops. */
export const elementAt = (data: Float32Array, index: number): number => data[index] as number;
