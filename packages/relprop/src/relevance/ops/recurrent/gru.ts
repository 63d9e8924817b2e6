/**
 * GRU:
 *
 *     h_t = z ⊙ h_{t−1} + (1 − z) ⊙ n        z = σ(W_z x_t + U_z h_{t−1} + b_z), r alike
 *     n = tanh(W_n x_t + U_n (r ⊙ h_{t−1}) + b_n), or
 *     n = tanh(W_n x_t + r ⊙ (U_n h_{t−1} + b_Un) + b_Wn) with linear_before_reset = 1
 *
 * 1 − σ(z) = σ(−z) is a gate like σ(z), and relevance passes it alike.
 */

import { ints, numberAttribute, type Value } from "../../../onnx/graph.ts";
import { plus, times, type CellRule, type Factor } from "../../cells.ts";
import type { CellActivation } from "./activations.ts";
import { biasOf, Divider, inputParts, stateParts, weightsOf, type Cell } from "./cell.ts";
import type { Sequence } from "./sequence.ts";

/** Its gates' place in weights. */
const place = { z: 0, r: 1, n: 2 };

type Three = readonly [z: Value, r: Value, n: Value];

export function gru(sequence: Sequence, rule: CellRule): Cell {
  const { b, c, h, hBefore: last, site } = sequence;
  const [gate, update] = sequence.activations as readonly [CellActivation, CellActivation];
  const isLinearFirst = numberAttribute(site.node, "linear_before_reset", 0) === 1;
  const [inputZ, inputR, inputN] = inputParts(sequence) as Three;
  const [stateZ, stateR, stateN] = stateParts(sequence) as Three;
  const [zz, zr] = [c.add(inputZ, stateZ), c.add(inputR, stateR)];
  const [z, r] = [gate.apply(c, zz), gate.apply(c, zr)];
  const open = c.sub(1, z);
  const reset = c.mul(r, isLinearFirst ? stateN : last);
  const zn = c.add(inputN, isLinearFirst ? reset : productOf(sequence, reset));
  const n = update.apply(c, zn);

  const divider = new Divider(sequence, rule);
  const whole = divider.divide(h, "h", 1);
  const kept = times(b, whole, rule.part(c.mul(z, last)));
  const added = times(b, whole, rule.part(c.mul(open, n)));
  const [toLast, toKeep] = rule.product({ signal: last, gate: z, signalInput: last, gateInput: zz });
  const [toUpdate, toOpen] = rule.product({ signal: n, gate: open, signalInput: zn, gateInput: zz });
  const slopeOf = (x: Value, y: Value, sign: 1 | -1 = 1): Factor =>
    rule.through(() => times(b, gate.slope(c, x, y), sign));
  const ofGate = plus(b, times(b, kept, toKeep, slopeOf(zz, z)), times(b, added, toOpen, slopeOf(zz, z, -1)));
  const gates = divider.part(place.z, zz, "h", ofGate);
  const ofUpdate = times(
    b,
    added,
    toUpdate,
    rule.through(() => update.slope(c, zn, n)),
  );
  const direct = times(b, kept, toLast);

  if (isLinearFirst) {
    const factor = divider.divide(zn, "h", ofUpdate, biasOf(sequence, place.n, "input"));
    const ofReset = times(b, factor, rule.part(reset));
    const [toLinear, toReset] = rule.product({ signal: stateN, gate: r, signalInput: stateN, gateInput: zr });
    const resets = divider.part(place.r, zr, "h", times(b, ofReset, toReset, slopeOf(zr, r)));
    const linear = divider.divide(
      stateN,
      "h",
      times(b, ofReset, toLinear),
      biasOf(sequence, place.n, "state"),
    );
    const part = (each: Factor) => ({ gate: place.n, from: "h", factor: each }) as const;
    return {
      toMemory: 0,
      memory: undefined,
      direct,
      nested: undefined,
      forState: [...gates, ...resets, part(linear)],
      forInput: [...gates, ...resets, part(factor)],
      divisions: divider.divisions,
    };
  }
  const factor = divider.divide(zn, "h", ofUpdate, biasOf(sequence, place.n));
  const part = { gate: place.n, from: "h", factor } as const;
  const ofReset = rule.part(reset);
  const [toState, toReset] = rule.product({ signal: last, gate: r, signalInput: last, gateInput: zr });
  const resets = divider.part(place.r, zr, "nested", times(b, ofReset, toReset, slopeOf(zr, r)));
  return {
    toMemory: 0,
    memory: undefined,
    direct,
    nested: { part, toState: times(b, ofReset, toState) },
    forState: [...gates, ...resets],
    forInput: [...gates, ...resets, part],
    divisions: divider.divisions,
  };
}

/** U_n v + b_Un */
function productOf(sequence: Sequence, v: Value): Value {
  const { b, c, stateWeights } = sequence;
  const weights = weightsOf(sequence, stateWeights, [{ gate: place.n }]);
  const product = b.op("MatMul", [v, b.op("Transpose", [weights], { perm: ints([1, 0]) })]);
  const bias = biasOf(sequence, place.n, "state");
  return bias ? c.add(product, bias) : product;
}
