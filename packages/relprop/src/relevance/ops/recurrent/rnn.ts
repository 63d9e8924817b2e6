/** RNN: h_t = f(Wx_t + Uh_{t−1} + b). */

import type { Value } from "../../../onnx/graph.ts";
import type { CellRule } from "../../cells.ts";
import type { CellActivation } from "./activations.ts";
import { Divider, linearParts, type Cell } from "./cell.ts";
import type { Sequence } from "./sequence.ts";

export function rnn(sequence: Sequence, rule: CellRule): Cell {
  const { c, h } = sequence;
  const [activation] = sequence.activations as readonly [CellActivation];
  const [z] = linearParts(sequence) as readonly [Value];
  const divider = new Divider(sequence, rule);
  const parts = divider.part(
    0,
    z,
    "h",
    rule.through(() => activation.slope(c, z, h)),
  );
  return {
    toMemory: 0,
    memory: undefined,
    direct: 0,
    nested: undefined,
    forState: parts,
    forInput: parts,
    divisions: divider.divisions,
  };
}
