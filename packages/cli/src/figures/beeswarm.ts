/** Points on a line that do not lie on each other, as SHAP's summary plots have them. */

/** Number of bins along the axis. */
const bins = 120;

/**
 * Places points of one feature beside each other where many have about the same relevance.
 * @param relevance one for each point
 * @param range of relevance along the whole axis
 * @returns offsets from the feature's line, in [−1, 1]; 0 for a point alone
 */
export function beeswarm(
  relevance: readonly number[],
  { low, high }: { readonly low: number; readonly high: number },
): number[] {
  const binOf = (value: number): number =>
    high > low ? Math.min(bins - 1, Math.floor((bins * (value - low)) / (high - low))) : 0;
  const sizes = new Map<number, number>();
  const places = relevance.map((value) => {
    const bin = binOf(value);
    const before = sizes.get(bin) ?? 0;
    sizes.set(bin, before + 1);
    return before;
  });
  const most = Math.max(1, ...sizes.values());
  const layers = Math.max(fewLayers, Math.ceil((most - 1) / 2));
  return places.map((place) => (place === 0 ? 0 : layer(place) / layers));
}

/** From the line outwards, on both sides by turns: 0, 1, −1, 2, −2 … */
const layer = (place: number): number => (place % 2 === 0 ? -1 : 1) * Math.ceil(place / 2);

/** So many layers on each side fill a lane; fewer leave it slim. */
const fewLayers = 4;

/** A seeded random sample of indices below `count`, in their order (Vitter's algorithm R). */
export function sampleOf(count: number, most: number): number[] {
  const kept = Array.from({ length: Math.min(count, most) }, (_, i) => i);
  let state = 7;
  for (let i = most; i < count; i++) {
    // A linear congruential generator (Numerical Recipes): the same rows each time.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const at = Math.floor((state / 2 ** 32) * (i + 1));
    if (at < most) kept[at] = i;
  }
  return kept.sort((a, b) => a - b);
}
