import type { Option } from "@commander-js/extra-typings";

/** A flag whose value is one of some words, or what a reader makes of it. */
export type Flag<Usage extends string, Choices = undefined, Value = undefined> = Option<
  Usage,
  undefined,
  undefined,
  Value,
  false,
  Choices
>;
