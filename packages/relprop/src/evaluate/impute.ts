/**
 * Pixels from their neighbours (Rong et al. 2022): each removed pixel is the weighted mean of the eight around it, 1/6 for
 * those beside it and 1/12 for those at its corners. Removed neighbours are unknown as well, so this is a system of linear
 * equations, sparse, symmetric and positive definite: conjugate gradients solve it (Hestenes & Stiefel 1952).
 */

import type { Layout } from "./layout.ts";
import { gridOf } from "./layout.ts";
import { sure } from "../sure.ts";

const [beside, corner] = [1 / 6, 1 / 12];

const neighbours: readonly (readonly [down: number, right: number, weight: number])[] = [
  [-1, -1, corner],
  [-1, 0, beside],
  [-1, 1, corner],
  [0, -1, beside],
  [0, 1, beside],
  [1, -1, corner],
  [1, 0, beside],
  [1, 1, corner],
];

/** Residuals are this much smaller than the right-hand side at the end: below what float32 holds. */
const accuracy = 1e-9;

/** The equations of the removed pixels, the same for each channel. */
interface Equations {
  /** The removed pixels. */
  readonly unknown: Int32Array;
  /** Σ of the weights of the neighbours that a pixel has; fewer at the picture's edge. */
  readonly diagonal: Float64Array;
  /** Unknown neighbours: equation i has those from `start[i]` on. */
  readonly start: Int32Array;
  readonly column: Int32Array;
  readonly weight: Float64Array;
  /** Known neighbours, in the same form; these are places. */
  readonly knownStart: Int32Array;
  readonly known: Int32Array;
  readonly knownWeight: Float64Array;
}

function equationsOf(removed: Uint8Array, [height, width]: readonly [number, number]): Equations {
  const at = new Int32Array(removed.length).fill(-1);
  let count = 0;
  for (let place = 0; place < removed.length; place++) if (removed[place]) at[place] = count++;
  const unknown = new Int32Array(count);
  for (let place = 0; place < at.length; place++) if (sure(at[place]) >= 0) unknown[sure(at[place])] = place;
  const diagonal = new Float64Array(count);
  const [start, knownStart] = [new Int32Array(count + 1), new Int32Array(count + 1)];
  const [column, known] = [new Int32Array(8 * count), new Int32Array(8 * count)];
  const [weight, knownWeight] = [new Float64Array(8 * count), new Float64Array(8 * count)];
  let [next, nextKnown] = [0, 0];
  for (let i = 0; i < count; i++) {
    const [y, x] = [Math.floor(sure(unknown[i]) / width), sure(unknown[i]) % width];
    for (const [down, right, share] of neighbours) {
      if (y + down < 0 || y + down >= height || x + right < 0 || x + right >= width) continue;
      const place = (y + down) * width + x + right;
      diagonal[i] = sure(diagonal[i]) + share;
      const other = sure(at[place]);
      if (other >= 0) {
        column[next] = other;
        weight[next++] = share;
      } else {
        known[nextKnown] = place;
        knownWeight[nextKnown++] = share;
      }
    }
    start[i + 1] = next;
    knownStart[i + 1] = nextKnown;
  }
  return { unknown, diagonal, start, column, weight, knownStart, known, knownWeight };
}

/**
 * Fills removed pixels from those that are left.
 * @param removed 1 for each place whose numbers are replaced; at least one must be left
 * @returns a copy of the input
 */
export function impute(input: Float32Array, layout: Layout, removed: Uint8Array): Float32Array {
  const equations = equationsOf(removed, gridOf(layout));
  const { unknown, knownStart, known, knownWeight } = equations;
  const filled = Float32Array.from(input);
  const { step } = layout;
  for (let channel = 0; channel < layout.channels; channel++) {
    const at = (place: number): number => place * step.place + channel * step.channel;
    const right = new Float64Array(unknown.length);
    for (let i = 0; i < right.length; i++) {
      let sum = 0;
      for (let k = sure(knownStart[i]); k < sure(knownStart[i + 1]); k++)
        sum += sure(knownWeight[k]) * sure(input[at(sure(known[k]))]);
      right[i] = sum;
    }
    const solution = solve(equations, right);
    for (let i = 0; i < unknown.length; i++) filled[at(sure(unknown[i]))] = sure(solution[i]);
  }
  return filled;
}

/** Solves diagonal · x − Σ weight · x(neighbour) = right, preconditioned by the diagonal. */
function solve({ diagonal, start, column, weight }: Equations, right: Float64Array): Float64Array {
  const count = right.length;
  const x = new Float64Array(count);
  const residual = Float64Array.from(right);
  const scaled = residual.map((r, i) => r / sure(diagonal[i]));
  const direction = Float64Array.from(scaled);
  const product = new Float64Array(count);
  let strength = dot(residual, scaled);
  const goal = accuracy * accuracy * strength;
  for (let round = 0; round < 10 * count && strength > goal; round++) {
    // Bounds hold by construction, and this loop is most of the work.
    for (let i = 0; i < count; i++) {
      let sum = (diagonal[i] as number) * (direction[i] as number);
      for (let k = start[i] as number; k < (start[i + 1] as number); k++)
        sum -= (weight[k] as number) * (direction[column[k] as number] as number);
      product[i] = sum;
    }
    const step = strength / dot(direction, product);
    for (let i = 0; i < count; i++) {
      x[i] = (x[i] as number) + step * (direction[i] as number);
      residual[i] = (residual[i] as number) - step * (product[i] as number);
      scaled[i] = (residual[i] as number) / (diagonal[i] as number);
    }
    const next = dot(residual, scaled);
    const kept = next / strength;
    for (let i = 0; i < count; i++) direction[i] = (scaled[i] as number) + kept * (direction[i] as number);
    strength = next;
  }
  return x;
}

function dot(a: Float64Array, c: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (c[i] as number);
  return sum;
}
