/**
 * Linear operators the slow, obvious way: as dense matrices in float64, filled by walking over every output position
 * and every position of the kernel. Nothing here knows the product's code.
 */

/** M[output][input], row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

export interface Geometry {
  readonly kind: "conv" | "transposed";
  /** Sizes of the input's spatial axes. */
  readonly size: readonly number[];
  readonly channels: number;
  readonly outputs: number;
  readonly kernel: readonly number[];
  readonly group: number;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begins, then ends. */
  readonly pads: readonly number[];
  readonly outputPadding?: readonly number[];
}

export function outputSize(g: Geometry): number[] {
  return g.size.map((size, i) => {
    const span = ((g.kernel[i] as number) - 1) * (g.dilations[i] as number) + 1;
    const padding = (g.pads[i] as number) + (g.pads[g.size.length + i] as number);
    const stride = g.strides[i] as number;
    if (g.kind === "conv") return Math.floor((size + padding - span) / stride) + 1;
    return (size - 1) * stride + span - padding + (g.outputPadding?.[i] ?? 0);
  });
}

const total = (numbers: readonly number[]): number => numbers.reduce((a, n) => a * n, 1);

/** All index tuples below the given sizes, in row-major order. */
function* positions(sizes: readonly number[]): Generator<number[]> {
  for (let flat = 0; flat < total(sizes); flat++) {
    let rest = flat;
    const at = sizes.map(() => 0);
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      at[axis] = rest % (sizes[axis] as number);
      rest = Math.floor(rest / (sizes[axis] as number));
    }
    yield at;
  }
}

const flatten = (at: readonly number[], sizes: readonly number[]): number =>
  at.reduce((flat, index, axis) => flat * (sizes[axis] as number) + index, 0);

const inside = (at: readonly number[], sizes: readonly number[]): boolean =>
  at.every((index, axis) => index >= 0 && index < (sizes[axis] as number));

/**
 * The operator's matrix for one sample.
 * @param shift the input is read this far beyond each position (strides as averages); zero outside
 */
export function matrixOf(
  g: Geometry,
  weights: ArrayLike<number>,
  shift: readonly number[] = g.size.map(() => 0),
): Matrix {
  const out = outputSize(g);
  const [inputs, outputs] = [g.channels * total(g.size), g.outputs * total(out)];
  const data = new Float64Array(inputs * outputs);
  const [inPerGroup, outPerGroup] = [g.channels / g.group, g.outputs / g.group];
  const small = g.kind === "conv" ? out : g.size;
  const large = g.kind === "conv" ? g.size : out;
  for (let group = 0; group < g.group; group++) {
    for (let i = 0; i < inPerGroup; i++) {
      for (let o = 0; o < outPerGroup; o++) {
        const c = group * inPerGroup + i;
        const k = group * outPerGroup + o;
        for (const at of positions(small)) {
          for (const tap of positions(g.kernel)) {
            const target = at.map(
              (index, axis) =>
                index * (g.strides[axis] as number) -
                (g.pads[axis] as number) +
                (tap[axis] as number) * (g.dilations[axis] as number) +
                (shift[axis] as number),
            );
            if (!inside(target, large)) continue;
            const [input, output] = g.kind === "conv" ? [target, at] : [at, target];
            const row = k * total(out) + flatten(output, out);
            const column = c * total(g.size) + flatten(input, g.size);
            const first = g.kind === "conv" ? k * inPerGroup + i : c * outPerGroup + o;
            const weight = weights[first * total(g.kernel) + flatten(tap, g.kernel)] as number;
            data[row * inputs + column] = (data[row * inputs + column] as number) + weight;
          }
        }
      }
    }
  }
  return { rows: outputs, columns: inputs, data };
}

/**
 * The mean of the operator's matrices over shifts of its input (docs/rules.md §5): all below its strides alike, or those up to a
 * stride away from their centre, weighted as linear interpolation weighs them.
 */
export function denseMatrixOf(
  g: Geometry,
  weights: ArrayLike<number>,
  mode: "average" | "interpolate",
): Matrix {
  const weightOf = (shift: number, stride: number): number => {
    const distance = Math.abs(shift - (stride - 1) / 2);
    const isBelow = shift >= 0 && shift < stride;
    return mode === "average" ? Number(isBelow) / stride : Math.max(0, stride - distance) / stride ** 2;
  };
  const shifts = [...positions(g.strides.map((stride) => 3 * stride))].map((at) =>
    at.map((index, axis) => index - (g.strides[axis] as number)),
  );
  const parts = shifts.flatMap((shift) => {
    const share = total(shift.map((each, axis) => weightOf(each, g.strides[axis] as number)));
    return share === 0 ? [] : [{ share, matrix: matrixOf(g, weights, shift) }];
  });
  const { matrix } = parts[0] as { matrix: Matrix };
  const data = matrix.data.map((_, i) =>
    parts.reduce((sum, part) => sum + part.share * (part.matrix.data[i] as number), 0),
  );
  return { ...matrix, data };
}

export function multiply(m: Matrix, x: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: m.rows }, (_, row) => {
    let sum = 0;
    for (let column = 0; column < m.columns; column++)
      sum += (m.data[row * m.columns + column] as number) * (x[column] as number);
    return sum;
  });
}

export function multiplyTransposed(m: Matrix, s: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: m.columns }, (_, column) => {
    let sum = 0;
    for (let row = 0; row < m.rows; row++)
      sum += (m.data[row * m.columns + column] as number) * (s[row] as number);
    return sum;
  });
}
