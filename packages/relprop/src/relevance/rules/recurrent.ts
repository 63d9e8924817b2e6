/**
 * Rules for recurrent layers (LSTM, GRU, RNN). Linear parts z = Wx + Uh + b share by ε, with one denominator for both products,
 * and so do sums of states; activations pass relevance on. What differs is how a product of signal and gate shares.
 * Arras et al. 2017, 2019.
 */

import type { Value } from "../../onnx/graph.ts";
import type { Algebra } from "../algebra.ts";
import type { CellRule, GatedProduct } from "../cells.ts";
import { sure } from "../../sure.ts";
import { stabilizerOf, type RuleOptions } from "./rule.ts";

/**
 * A rule for recurrent layers.
 *
 * @example
 *     // As lstm-all, but gates get a tenth.
 *     const tenth: RecurrentRule = (m) => ({ ...lstmAll()(m), product: () => [0.9, 0.1] });
 */
export type RecurrentRule = (m: Algebra) => CellRule;

/** The axis of a cell's values: ‖z‖ is that of one step of one sample. */
const features = [-1];

/** Shares of products by `product`, all else by ε. */
function sharing(
  options: RuleOptions,
  product: (product: GatedProduct, m: Algebra) => ReturnType<CellRule["product"]>,
): RecurrentRule {
  const stabilizer = stabilizerOf(options);
  return (m) => ({
    share: (z) => m.inverse(z, stabilizer, features),
    part: (x) => x,
    through: () => 1,
    product: (factors) => product(factors, m),
    stabiliser: (z) => m.stabiliser(z, stabilizer, 1, features),
  });
}

/** The signal gets all, the gate nothing. Options: `epsilon` (1e-6), `stabilizer`. */
export const lstmAll = (options: RuleOptions = {}): RecurrentRule => sharing(options, () => [1, 0]);

/** Signal and gate get one half each. Options: `epsilon` (1e-6), `stabilizer`. */
export const lstmHalf = (options: RuleOptions = {}): RecurrentRule => sharing(options, () => [0.5, 0.5]);

/**
 * Signal and gate share in proportion to the sizes of what they are made of, before their activations: `│z_s│ / (│z_s│ + │z_g│)`
 * to the signal. If both are 0, the signal gets all. Options: `epsilon` (1e-6), `stabilizer`.
 */
export const lstmProp = (options: RuleOptions = {}): RecurrentRule =>
  sharing(options, ({ signalInput, gateInput }, m) => {
    const [ofSignal, ofGate] = [m.size(signalInput), m.size(gateInput)];
    const total = sure(m.add(ofSignal, ofGate));
    const toGate = m.whereZero(total, m.scalar(0), m.divide(ofGate, total));
    return [m.complement(toGate), toGate];
  });

/** The gradient of a recurrent layer through all of its steps. */
export const cellGradient = (): RecurrentRule => () => ({
  share: () => 1,
  part: () => 1,
  through: (slope) => slope(),
  product: ({ signal, gate }): readonly [Value, Value] => [gate, signal],
});
