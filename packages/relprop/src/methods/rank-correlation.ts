import { InputError } from "../errors.ts";

/**
 * Spearman's ρ (1904): the correlation of the ranks of two maps' elements, from −1 to 1, which is independent of scale. Ties
 * share the mean of their ranks.
 * @returns undefined if one of the maps is constant: ρ is 0/0 then, and 0 would mean unrelated orders
 * @throws InputError if their lengths differ or they have fewer than two elements
 */
export function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number | undefined {
  if (a.length !== b.length || a.length < 2) {
    throw new InputError({
      what: "cannot correlate these maps",
      why: `they have ${a.length} and ${b.length} elements`,
      fix: "give two maps of the same size, at least two elements each",
    });
  }
  const [x, y] = [centredRanks(a), centredRanks(b)];
  const scale = Math.sqrt(dot(x, x) * dot(y, y));
  return scale === 0 ? undefined : dot(x, y) / scale;
}

const dot = (u: Float64Array, v: Float64Array): number => u.reduce((sum, n, i) => sum + n * (v[i] ?? 0), 0);

/** Ranks minus their mean. */
function centredRanks(numbers: ArrayLike<number>): Float64Array {
  const at = (i: number): number => numbers[i] ?? 0;
  const order = Array.from({ length: numbers.length }, (_, i) => i).sort((i, j) => at(i) - at(j));
  const ranks = new Float64Array(order.length);
  const mean = (order.length - 1) / 2;
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end + 1 < order.length && at(order[end + 1] ?? 0) === at(order[start] ?? 0)) end++;
    for (const i of order.slice(start, end + 1)) ranks[i] = (start + end) / 2 - mean;
    start = end + 1;
  }
  return ranks;
}
