/**
 * Recognises spelled out products x·gate(x): SiLU x·σ(x), HardSwish x·HardSigmoid(x) = x·clip(x+3, 0, 6)/6 (Howard et al.
 * 2019), and Mish x·tanh(softplus(x)) (Misra 2019) -> `Silu`, `HardSwish`, `Mish`.
 */

import { type Node, numberAttribute } from "../onnx/graph.ts";
import { isOnnx } from "./rewrite.ts";
import { type ActivationPattern, operatorOf, clipTo, activationRewrite } from "./activation-patterns.ts";

const identity = new Map([["1", 1]]);
/** x·e. */
const gated = new Map([["1,1", 1]]);

const isSixth = (value: number): boolean => Math.abs(value - 1 / 6) < 1e-4;

const hardSigmoid = (node: Node): boolean =>
  isOnnx(node, "HardSigmoid") &&
  isSixth(numberAttribute(node, "alpha", 0.2)) &&
  numberAttribute(node, "beta", 0.5) === 0.5;

const hardSwish = { opType: "HardSwish", domain: "", attributes: {} } as const;

const patterns: readonly ActivationPattern[] = [
  {
    opType: "Silu",
    domain: "relprop",
    attributes: {},
    inner: [operatorOf("Sigmoid")],
    argument: identity,
    result: gated,
  },
  { ...hardSwish, inner: [hardSigmoid], argument: identity, result: gated },
  {
    ...hardSwish,
    inner: [clipTo(6)],
    argument: new Map([
      ["0", 3],
      ["1", 1],
    ]),
    result: new Map([["1,1", 1 / 6]]),
  },
  {
    ...hardSwish,
    inner: [clipTo(1)],
    argument: new Map([
      ["0", 0.5],
      ["1", 1 / 6],
    ]),
    result: gated,
  },
  {
    opType: "Mish",
    domain: "",
    attributes: {},
    inner: [operatorOf("Softplus"), operatorOf("Tanh")],
    argument: identity,
    result: gated,
  },
];

export const recognizeSilu = activationRewrite(
  "recognize-silu",
  "x·σ(x), x·clip(x + 3, 0, 6)/6 and x·tanh(softplus(x)) spelled out become Silu, HardSwish and Mish",
  patterns,
);
