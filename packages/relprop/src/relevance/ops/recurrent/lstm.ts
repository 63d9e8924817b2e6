/**
 * LSTM:
 *
 *     c_t = f ⊙ c_{t−1} + i ⊙ g        i = σ(z_i + P_i c_{t−1}), f alike or 1 − i, g = tanh(z_g)
 *     h_t = o ⊙ tanh(c_t)              o = σ(z_o + P_o c_t)
 *
 * with the linear parts z = Wx_t + Uh_{t−1} + b.
 */

import { numberAttribute, type Value } from "../../../onnx/graph.ts";
import { scan } from "../../../onnx/scan.ts";
import { plus, times, type CellRule, type Factor } from "../../cells.ts";
import { Calculus } from "../calculus.ts";
import type { CellActivation } from "./activations.ts";
import { Divider, linearParts, type Cell, type Part } from "./cell.ts";
import { at, cut, type Sequence } from "./sequence.ts";

/** Its gates' place in weights. */
const place = { i: 0, o: 1, f: 2, g: 3 };

type Four = readonly [i: Value, o: Value, f: Value, g: Value];
type Three = readonly [gate: CellActivation, update: CellActivation, memory: CellActivation];

/** The weights [H] of peepholes, if the node has some. */
interface Peepholes {
  readonly i: Value;
  readonly o: Value;
  readonly f: Value;
}

function peepholesOf({ b, given }: Sequence): Peepholes | undefined {
  const weights = given(at.peepholes);
  const [i, o, f] = weights ? cut(b, weights, 3, 0) : [];
  return i && o && f && { i, o, f };
}

/** f: a gate of its own, or what i leaves. */
const isCoupled = ({ site }: Sequence): boolean => numberAttribute(site.node, "input_forget", 0) === 1;

/** The memory after each step, [T, N, H]: the only part of the forward pass that the model's own node keeps to itself. */
function memories(sequence: Sequence, [zi, , zf, zg]: Four, peepholes: Peepholes | undefined): Value {
  const { b, c: all, isReverse, isStep, given, noState } = sequence;
  const [gate, update] = sequence.activations as Three;
  const g = update.apply(all, zg);
  const gates = (c: Calculus, a: Value, d: Value): readonly [i: Value, f: Value] => {
    const i = gate.apply(c, a);
    return [i, isCoupled(sequence) ? c.sub(1, i) : gate.apply(c, d)];
  };
  const [i, f] = gates(all, zi, zf);
  const sequences = peepholes ? [zi, zf, g] : [f, all.mul(i, g)];
  const { collected } = scan(
    b,
    {
      state: [given(at.memory) ?? noState()],
      sequences: isStep ? [...sequences, isStep] : sequences,
      isBackward: isReverse,
    },
    (inner, [before], slices) => {
      const c = new Calculus(inner);
      const [c0, a, d, e] = [before, ...slices] as readonly Value[] as Four;
      const step = (): Value => {
        if (!peepholes) return c.add(c.mul(a, c0), d);
        const [open, keep] = gates(c, c.add(a, c.mul(peepholes.i, c0)), c.add(d, c.mul(peepholes.f, c0)));
        return c.add(c.mul(keep, c0), c.mul(open, e));
      };
      const next = isStep ? c.where(slices.at(-1) as Value, step(), c0) : step();
      return { state: [next], collected: [next] };
    },
  );
  return collected[0] as Value;
}

export function lstm(sequence: Sequence, rule: CellRule): Cell {
  const { b, c, before, given } = sequence;
  const [gate, update, memory] = sequence.activations as Three;
  const peepholes = peepholesOf(sequence);
  const [zi0, zo0, zf0, zg] = linearParts(sequence) as Four;
  const now = memories(sequence, [zi0, zo0, zf0, zg], peepholes);
  const last = before(now, given(at.memory));
  const seen = (z: Value, weights: Value | undefined, state: Value): Value =>
    weights ? c.add(z, c.mul(weights, state)) : z;
  const zi = seen(zi0, peepholes?.i, last);
  const zo = seen(zo0, peepholes?.o, now);
  const zf = seen(zf0, peepholes?.f, last);
  const [i, o] = [gate.apply(c, zi), gate.apply(c, zo)];
  const coupled = isCoupled(sequence);
  const f = coupled ? c.sub(1, i) : gate.apply(c, zf);
  const g = update.apply(c, zg);
  const u = memory.apply(c, now);

  const divider = new Divider(sequence, rule);
  const whole = divider.divide(now, "c", 1);
  const kept = times(b, whole, rule.part(c.mul(f, last)));
  const added = times(b, whole, rule.part(c.mul(i, g)));
  const [toLast, toForget] = rule.product({
    signal: last,
    gate: f,
    signalInput: last,
    gateInput: coupled ? zi : zf,
  });
  const [toUpdate, toInput] = rule.product({ signal: g, gate: i, signalInput: zg, gateInput: zi });
  const [toNow, toOutput] = rule.product({ signal: u, gate: o, signalInput: now, gateInput: zo });

  const slopeOf = (z: Value, y: Value, sign: 1 | -1 = 1): Factor =>
    rule.through(() => times(b, gate.slope(c, z, y), sign));
  const ofInput = times(b, added, toInput, slopeOf(zi, i));
  const ofForget = times(b, kept, toForget, coupled ? slopeOf(zi, i, -1) : slopeOf(zf, f));
  const inputs = divider.part(place.i, zi, "c", coupled ? plus(b, ofInput, ofForget) : ofInput);
  const outputs = divider.part(place.o, zo, "h", times(b, toOutput, slopeOf(zo, o)));
  const forgets = coupled ? [] : divider.part(place.f, zf, "c", ofForget);
  const updates = divider.part(
    place.g,
    zg,
    "c",
    times(
      b,
      added,
      toUpdate,
      rule.through(() => update.slope(c, zg, g)),
    ),
  );

  // Peepholes are products with a weight: they hand their share to the memory that they see.
  const peeped = (parts: readonly Part[], weights: Value | undefined, state: Value): Factor =>
    weights ? plus(b, ...parts.map(({ factor }) => times(b, factor, weights, rule.part(state)))) : 0;
  const parts = [...inputs, ...outputs, ...forgets, ...updates];
  return {
    toMemory: plus(
      b,
      times(
        b,
        toNow,
        rule.through(() => memory.slope(c, now, u)),
      ),
      peeped(outputs, peepholes?.o, now),
    ),
    memory: plus(
      b,
      times(b, kept, toLast),
      peeped(inputs, peepholes?.i, last),
      peeped(forgets, peepholes?.f, last),
    ),
    direct: 0,
    nested: undefined,
    forState: parts,
    forInput: parts,
    divisions: divider.divisions,
  };
}
