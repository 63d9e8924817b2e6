/** How small denominators are kept away from 0. */

/**
 * Stabilizers S(z) of a denominator z. σ(z) is +1 for z ≥ 0 and −1 below:
 *
 * | kind        | S(z)                                                       |
 * |-------------|------------------------------------------------------------|
 * | `add`       | z + ε·σ(z)                                                 |
 * | `clip`      | σ(z)·max(│z│, ε)                                           |
 * | `norm`      | z + ε·‖z‖·σ(z), ‖z‖ the root mean square of z in a sample  |
 * | `norm-clip` | σ(z)·max(│z│, ε·‖z‖)                                       |
 * | `unsigned`  | z + ε                                                      |
 * | `zero`      | ε where z = 0, else z                                      |
 *
 * The first four are zennit's `Stabilizer`, `unsigned` is LXT's, and `zero` iNNvestigate's.
 */
export const stabilizerKinds = ["add", "clip", "norm", "norm-clip", "unsigned", "zero"] as const;
/** One of {@link stabilizerKinds}. */
export type StabilizerKind = (typeof stabilizerKinds)[number];

/** A stabilizer for small denominators. With ε = 0 every kind leaves them unchanged. */
export interface Stabilizer {
  /** ε ≥ 0, in units of z; relative to ‖z‖ for `norm` and `norm-clip`. */
  readonly epsilon: number;
  /** The formula of S. */
  readonly kind: StabilizerKind;
}

/** Whether the stabilizer's size depends on all of z. */
export const isRelative = (kind: StabilizerKind): boolean => kind === "norm" || kind === "norm-clip";
