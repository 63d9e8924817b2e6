/**
 * Recognises GELU(x) = x·Φ(x) (Hendrycks & Gimpel 2016), spelled out as ½x·(1 + erf(x/√2)) or, approximated, as
 * ½x·(1 + tanh(√(2/π)·(x + 0.044715x³))), with products in any order -> `Gelu` with its attribute `approximate`.
 */

import { string } from "../onnx/graph.ts";
import { type ActivationPattern, operatorOf, activationRewrite } from "./activation-patterns.ts";

/** ½x + ½x·e */
const result = new Map([
  ["1,0", 0.5],
  ["1,1", 0.5],
]);
const slope = Math.sqrt(2 / Math.PI);

const patterns: readonly ActivationPattern[] = [
  {
    opType: "Gelu",
    domain: "",
    attributes: { approximate: string("none") },
    inner: [operatorOf("Erf")],
    argument: new Map([["1", Math.SQRT1_2]]),
    result,
  },
  {
    opType: "Gelu",
    domain: "",
    attributes: { approximate: string("tanh") },
    inner: [operatorOf("Tanh")],
    argument: new Map([
      ["1", slope],
      ["3", slope * 0.044715],
    ]),
    result,
  },
];

export const recognizeGelu = activationRewrite(
  "recognize-gelu",
  "x·Φ(x) spelled out with Erf or Tanh becomes Gelu",
  patterns,
);
