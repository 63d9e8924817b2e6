/** Operators that add or multiply tensors, with broadcasting. */

import type { Value } from "../../onnx/graph.ts";
import type { Site } from "../row-kinds.ts";
import { sumTo } from "./shapes.ts";

/** y = a + b, or a sum of many. */
export const add = (site: Site, s: Value, input: number): Value =>
  sumTo(site.b, s, site.inputs[input] as Value);

/** y = a − b */
export function subtract(site: Site, s: Value, input: number): Value {
  const summed = add(site, s, input);
  return input === 0 ? summed : site.b.op("Neg", [summed]);
}

/** y = a ⊙ b */
export function multiply(site: Site, s: Value, input: number): Value {
  const other = site.inputs[1 - input] as Value;
  return sumTo(site.b, site.b.op("Mul", [s, other]), site.inputs[input] as Value);
}
