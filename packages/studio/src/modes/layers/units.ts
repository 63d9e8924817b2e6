/** Units of a layer, strongest first. */

export interface StrongUnit {
  readonly unit: number;
  /** ΣR of the unit, unitless. */
  readonly relevance: number;
  /** Its part of Σ|R| over all units, in [−1, 1]; below 0 it speaks against the target. */
  readonly share: number;
}

/** The `count` units of largest |R|, strongest first, without zeros. */
export function strongestUnits(relevance: Float32Array, count: number): readonly StrongUnit[] {
  const all = relevance.reduce((sum, R) => sum + Math.abs(R), 0);
  return Array.from(relevance, (R, unit) => ({ unit, relevance: R, share: all === 0 ? 0 : R / all }))
    .filter(({ share }) => share !== 0)
    .sort((a, b) => Math.abs(b.share) - Math.abs(a.share))
    .slice(0, count);
}
