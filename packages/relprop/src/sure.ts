/** What is there by construction: an error says so if it is not, where a cast would pass on what is none. */

/** A value that is there. */
export function sure<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("relprop has lost a value: please report this model as a bug");
  return value;
}

/** A size that is a number, and not one that only a run knows. */
export function sureNumber(value: number | string | undefined): number {
  if (typeof value !== "number")
    throw new Error(`relprop takes the size ${value} for a number: please report this model as a bug`);
  return value;
}
