/** How much alike two heatmaps are. */

const mean = (numbers: Float32Array): number => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;

/** Pearson's correlation. */
export function correlation(a: Float32Array, b: Float32Array): number {
  const [middle, other] = [mean(a), mean(b)];
  let [both, first, second] = [0, 0, 0];
  for (const [i, number] of a.entries()) {
    const [x, y] = [number - middle, (b[i] as number) - other];
    both += x * y;
    first += x * x;
    second += y * y;
  }
  return both / Math.sqrt(first * second);
}

/** The largest difference, in parts of the largest number. */
export function distance(a: Float32Array, b: Float32Array): number {
  const largest = b.reduce((most, n) => Math.max(most, Math.abs(n)), 0);
  return a.reduce((most, n, i) => Math.max(most, Math.abs(n - (b[i] as number))), 0) / largest;
}
