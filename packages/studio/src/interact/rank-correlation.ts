/** Spearman's rank correlation. */

/** Ranks 1..n; equal values share the mean of their ranks. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => (values[a] ?? 0) - (values[b] ?? 0),
  );
  const result = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    const value = values[order[start] ?? 0];
    while (end < order.length && values[order[end] ?? 0] === value) end++;
    // Places start..end−1 are ranks start+1..end.
    for (let i = start; i < end; i++) result[order[i] ?? 0] = (start + 1 + end) / 2;
    start = end;
  }
  return result;
}

/**
 * Spearman's ρ: Pearson's correlation of the ranks, in [−1, 1] (Spearman 1904; ties by mean ranks).
 * Undefined for fewer than two values or where one side is the same everywhere: then there is no order to compare.
 * @throws RangeError if the lengths differ.
 */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number | undefined {
  if (a.length !== b.length) throw new RangeError(`cannot correlate ${a.length} values with ${b.length}`);
  const x = ranks(a);
  const y = ranks(b);
  const mean = (x.length + 1) / 2;
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < x.length; i++) {
    const dx = (x[i] ?? 0) - mean;
    const dy = (y[i] ?? 0) - mean;
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : undefined;
}
