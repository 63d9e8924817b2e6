/** The network of keras.test.ts in float64 and plain loops, as Keras defines its layers. */

/** Channels last; zeros outside. */
type Image = { h: number; w: number; c: number; at: (y: number, x: number, c: number) => number };

const image = (h: number, w: number, c: number, f: (y: number, x: number, c: number) => number): Image => {
  const data = Array.from({ length: h * w * c }, (_, i) =>
    f(Math.floor(i / (w * c)), Math.floor(i / c) % w, i % c),
  );
  return {
    h,
    w,
    c,
    at: (y, x, k) => (y < 0 || x < 0 || y >= h || x >= w ? 0 : (data[(y * w + x) * c + k] ?? Number.NaN)),
  };
};

const at = (list: readonly number[], i: number): number => list[i] ?? Number.NaN;

/** Its logits; weights in the order of the manifest. */
export function replica(input: readonly number[], bytes: Uint8Array): number[] {
  const floats = [...new Float32Array(bytes.buffer)];
  const take = (count: number): number[] => floats.splice(0, count);
  const [kernel, bias, same] = [take(36), take(3), take(54)];
  const [gamma, beta, mean, variance] = [take(3), take(3), take(3), take(3)];
  const [fc, fcBias] = [take(12), take(4)];
  const convolve = (
    x: Image,
    k: number[],
    top: number,
    left: number,
    stride: number,
    h: number,
    w: number,
  ): Image =>
    image(h, w, 3, (y, col, o) => {
      let sum = 0;
      for (let dy = 0; dy < 2; dy++)
        for (let dx = 0; dx < 3; dx++)
          for (let i = 0; i < x.c; i++)
            sum +=
              x.at(y * stride + dy - top, col + dx - left, i) * (k[((dy * 3 + dx) * x.c + i) * 3 + o] ?? 0);
      return sum;
    });
  const source = image(4, 5, 2, (y, x, c) => at(input, (c * 4 + y) * 5 + x));
  const first = convolve(source, kernel, 1, 2, 2, 2, 6);
  const a = image(2, 6, 3, (y, x, c) => Math.max(0, first.at(y, x, c) + at(bias, c)));
  const b = convolve(a, same, 0, 1, 1, 2, 6);
  const sum = image(2, 6, 3, (y, x, c) => {
    const normal =
      ((b.at(y, x, c) - at(mean, c)) / Math.sqrt(at(variance, c) + 0.25)) * at(gamma, c) + at(beta, c);
    return Math.max(0, normal + a.at(y, x, c));
  });
  const pooled = image(1, 3, 3, (y, x, c) => {
    let most = -Infinity;
    for (let dy = -1; dy < 2; dy++)
      for (let dx = -1; dx < 2; dx++) most = Math.max(most, sum.at(2 * y + dy, 2 * x + dx, c));
    return most;
  });
  const means = [0, 1, 2].map((c) => (pooled.at(0, 0, c) + pooled.at(0, 1, c) + pooled.at(0, 2, c)) / 3);
  return fcBias.map((start, k) =>
    means.reduce((total, value, c) => total + value * at(fc, c * 4 + k), start),
  );
}
