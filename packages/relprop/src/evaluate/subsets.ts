/** How well relevance foretells what the removal of random parts of an input does to the answer. */

import { shuffled, uniformNumbers } from "../random.ts";
import { sure } from "../sure.ts";
import type { Filler } from "./baselines.ts";
import type { Cells } from "./layout.ts";
import { mean } from "./statistics.ts";
import type { Scores } from "./removal.ts";

/** What the removal of some subsets does. */
export interface SubsetEffects {
  /** Σ R over each subset. */
  readonly relevance: Float64Array;
  /** p(x) − p(x without the subset). */
  readonly drops: Float64Array;
}

/** Random subsets of so many cells each. */
export function randomSubsets(cells: number, size: number, count: number, seed: number): Int32Array[] {
  const uniform = uniformNumbers(seed);
  return Array.from({ length: count }, () => shuffled(cells, uniform).subarray(0, size));
}

/** Measures the removal of subsets of cells. @param map one number for each place */
export async function subsetEffects(
  map: ArrayLike<number>,
  { of, count }: Cells,
  subsets: readonly Int32Array[],
  { fill, scores, whole }: { readonly fill: Filler; readonly scores: Scores; readonly whole: number },
): Promise<SubsetEffects> {
  const sums = new Float64Array(count);
  for (let place = 0; place < of.length; place++) {
    const cell = sure(of[place]);
    if (cell >= 0) sums[cell] = sure(sums[cell]) + (map[place] ?? 0);
  }
  const relevance = Float64Array.from(subsets, (subset) =>
    subset.reduce((sum, cell) => sum + sure(sums[cell]), 0),
  );
  const numbers = await scores(withoutEach(subsets, { of, count }, fill));
  return { relevance, drops: numbers.map((number) => whole - number) };
}

function* withoutEach(
  subsets: readonly Int32Array[],
  { of, count }: Cells,
  fill: Filler,
): Generator<Float32Array> {
  for (const subset of subsets) {
    const isIn = new Uint8Array(count);
    for (const cell of subset) isIn[cell] = 1;
    yield fill(Uint8Array.from(of, (cell) => (cell < 0 ? 0 : sure(isIn[cell]))));
  }
}

/** Pearson's r of two lists, from −1 to 1; undefined if one of them is constant: r is 0/0 then. */
export function pearson(a: ArrayLike<number>, c: ArrayLike<number>): number | undefined {
  const [meanA, meanC] = [mean(a), mean(c)];
  let [both, squaresA, squaresC] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, dc] = [(a[i] ?? 0) - meanA, (c[i] ?? 0) - meanC];
    both += da * dc;
    squaresA += da * da;
    squaresC += dc * dc;
  }
  const scale = Math.sqrt(squaresA * squaresC);
  return scale === 0 ? undefined : both / scale;
}

/**
 * The mean of (β Σ R − (p(x) − p(x without S)))².
 * @param scale β; relevance of a logit has another unit than a probability. @default the β with the least error
 */
export function squaredError({ relevance, drops }: SubsetEffects, scale?: number): number {
  let [both, squares] = [0, 0];
  for (let i = 0; i < drops.length; i++) {
    both += sure(relevance[i]) * sure(drops[i]);
    squares += sure(relevance[i]) ** 2;
  }
  const factor = scale ?? (squares === 0 ? 0 : both / squares);
  return mean(drops.map((drop, i) => (factor * sure(relevance[i]) - drop) ** 2));
}
