/** Draws patches on a picture. Pure: the same picture and patches give the same pixels. */

import type { Picture } from "@relprop/engine/engine";
import { squareAt, type Fill, type Patches } from "./patches.ts";

/**
 * Draws patches on a picture, later ones over earlier ones. All fills come from the original picture, not from
 * earlier patches.
 * @param other the content of `image` patches, of the picture's size; without it they are black.
 */
export function applyPatches(picture: Picture, patches: Patches, other?: Picture): Picture {
  if (patches.length === 0) return picture;
  const { width, height } = picture;
  const data = new Uint8ClampedArray(picture.data);
  for (const patch of patches) {
    const source = fillOf(picture, patch.fill, other).data;
    for (const point of patch.points) {
      const { left, top } = squareAt(point, patch.size);
      const from = Math.max(0, left);
      const to = Math.min(width, left + patch.size);
      if (from >= to) continue;
      for (let y = Math.max(0, top); y < Math.min(height, top + patch.size); y++) {
        data.set(source.subarray(4 * (y * width + from), 4 * (y * width + to)), 4 * (y * width + from));
      }
    }
  }
  return { data, width, height };
}

const known = new WeakMap<Picture, Map<Fill, Picture>>();

/** The whole picture as a fill; cached per picture, since patches move while the user watches. */
export function fillOf(picture: Picture, fill: Fill, other?: Picture): Picture {
  if (fill === "image") {
    const fits = other?.width === picture.width && other.height === picture.height;
    return fits ? other : fillOf(picture, "black");
  }
  const fillings = known.get(picture) ?? new Map<Fill, Picture>();
  known.set(picture, fillings);
  const before = fillings.get(fill);
  if (before) return before;
  const made = makers[fill](picture);
  fillings.set(fill, made);
  return made;
}

const makers: Readonly<Record<Exclude<Fill, "image">, (picture: Picture) => Picture>> = {
  mean: (picture) => plain(picture, meanColor(picture)),
  black: (picture) => plain(picture, [0, 0, 0]),
  white: (picture) => plain(picture, [255, 255, 255]),
  noise,
  blur,
};

function plain({ width, height }: Picture, [red, green, blue]: readonly [number, number, number]): Picture {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < data.length; i += 4) data.set([red, green, blue, 255], i);
  return { data, width, height };
}

/** Mean of each channel over the picture, 0..255. */
export function meanColor({ data }: Picture): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    sums[0] += data[i] ?? 0;
    sums[1] += data[i + 1] ?? 0;
    sums[2] += data[i + 2] ?? 0;
  }
  const pixels = Math.max(1, data.length / 4);
  return [sums[0] / pixels, sums[1] / pixels, sums[2] / pixels];
}

/**
 * Uniform noise over 0..255, gray for a gray picture. The generator is a linear congruential one
 * (Numerical Recipes' constants) with a fixed seed: undoing a patch must restore the same answer.
 */
function noise({ data: original, width, height }: Picture): Picture {
  const isGray = original.every((value, i) => i % 4 === 3 || value === original[i - (i % 4)]);
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  const data = new Uint8ClampedArray(original.length);
  for (let i = 0; i < data.length; i += 4) {
    const red = next();
    data.set(isGray ? [red, red, red, 255] : [red, next(), next(), 255], i);
  }
  return { data, width, height };
}

/** Approximates a Gaussian blur: three box blurs with a radius of a 12th of the shorter side; edges are repeated. */
function blur(picture: Picture): Picture {
  const { width, height } = picture;
  const radius = Math.max(1, Math.round(Math.min(width, height) / 12));
  let values: Float32Array = Float32Array.from(picture.data);
  for (let pass = 0; pass < 3; pass++) {
    values = boxBlur(values, { count: width, step: 4 }, { count: height, step: 4 * width }, radius);
    values = boxBlur(values, { count: height, step: 4 * width }, { count: width, step: 4 }, radius);
  }
  return { data: Uint8ClampedArray.from(values), width, height };
}

interface Axis {
  readonly count: number;
  /** Distance between neighbours on the axis, in values. */
  readonly step: number;
}

/** Running mean along one axis of RGBA values. */
function boxBlur(values: Float32Array, along: Axis, across: Axis, radius: number): Float32Array {
  const out = new Float32Array(values.length);
  const window = 2 * radius + 1;
  for (let line = 0; line < across.count; line++) {
    for (let channel = 0; channel < 4; channel++) {
      const start = line * across.step + channel;
      const at = (i: number): number =>
        values[start + Math.min(along.count - 1, Math.max(0, i)) * along.step] ?? 0;
      let sum = 0;
      for (let i = -radius; i <= radius; i++) sum += at(i);
      for (let i = 0; i < along.count; i++) {
        out[start + i * along.step] = sum / window;
        sum += at(i + radius + 1) - at(i - radius);
      }
    }
  }
  return out;
}
