import type { LinearRule } from "./rule.ts";

/** The plain gradient of a linear layer: `R_in = WᵀR`. */
export function gradient(): LinearRule {
  return (layer, R) => layer.pullBack(R, layer.weights);
}

/** `R_in = R`, for layers that keep the shape: an affine map that should not count as a layer. */
export function passLinear(): LinearRule {
  return (_layer, R) => R;
}
