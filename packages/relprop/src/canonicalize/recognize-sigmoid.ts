/**
 * Recognises HardSigmoid spelled out as clip(αx + ½, 0, 1), with α = 1/6 also as clip(x + 3, 0, 6)/6 (Howard et al. 2019),
 * and Sigmoid as ½ + ½·tanh(x/2). recognize-silu.ts runs before and takes those that are multiplied by x.
 */

import { float } from "../onnx/graph.ts";
import { type ActivationPattern, operatorOf, clipTo, activationRewrite } from "./activation-patterns.ts";

/** clip(c + a·x, 0, high)/high. */
const clippedLine = (c: number, a: number, high: number): ActivationPattern => ({
  opType: "HardSigmoid",
  domain: "",
  attributes: { alpha: float(a / high), beta: float(c / high) },
  inner: [clipTo(high)],
  argument: new Map([
    ["0", c],
    ["1", a],
  ]),
  result: new Map([["0,1", 1 / high]]),
});

const patterns: readonly ActivationPattern[] = [
  clippedLine(3, 1, 6),
  clippedLine(0.5, 1 / 6, 1),
  clippedLine(0.5, 0.2, 1),
  {
    opType: "Sigmoid",
    domain: "",
    attributes: {},
    inner: [operatorOf("Tanh")],
    argument: new Map([["1", 0.5]]),
    result: new Map([
      ["0,0", 0.5],
      ["0,1", 0.5],
    ]),
  },
];

export const recognizeSigmoid = activationRewrite(
  "recognize-sigmoid",
  "clip(αx + ½, 0, 1) and ½ + ½·tanh(x/2) spelled out become HardSigmoid and Sigmoid",
  patterns,
);
