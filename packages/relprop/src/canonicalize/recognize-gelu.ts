/**
 * Recognises GELU(x) = x·Φ(x) (Hendrycks & Gimpel 2016), spelled out as ½x·(1 + erf(x/√2)) or, approximated, as
 * ½x·(1 + tanh(√(2/π)·(x + 0.044715x³))), with products in any order -> `Gelu` with its attribute `approximate`.
 */

import { type Graph, type Value, string } from "../onnx/graph.ts";
import type { Refuse, Rewrite } from "./rewrite.ts";
import { type ActivationPattern, operatorOf, recognizeActivations } from "./activation-patterns.ts";

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

export const recognizeGelu: Rewrite = {
  name: "recognize-gelu",
  about: "x·Φ(x) spelled out with Erf or Tanh becomes Gelu",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    return recognizeActivations(graph, values, patterns, refuse);
  },
};
