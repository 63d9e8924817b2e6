/**
 * Weights that are not stored: hashes of (position, number of the parameter) within bounds, and what exporters make of
 * them. As fills.py and strip.py in bench/peers/architectures.
 */

/** Unsigned 32-bit numbers: murmur3's finalizer over position and number. */
function hashed(position: number, number: number): number {
  let h = Math.imul(position, 2654435761) ^ Math.imul(number, 0x9e3779b1);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

/** Numbers in [low, high), in float32 steps. */
export function fill(count: number, number: number, low: number, high: number): Float32Array {
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) data[i] = low + ((hashed(i, number) >>> 8) / 2 ** 24) * (high - low);
  return data;
}

/** Integers in [0, limit). */
export const below = (count: number, number: number, limit: number): number[] =>
  Array.from({ length: count }, (_, i) => hashed(i, number) % limit);

/** The numbers that `NUMBER,LOW,HIGH` stands for. */
function filled(text: string, count: number): Float32Array {
  const [number, low, high] = text.split(",").map(Number) as [number, number, number];
  return fill(count, number, low, high);
}

/** What a batch normalisation multiplies its channels by: gamma / sqrt(variance + epsilon). */
function scaleOf(gamma: string, variance: string, epsilon: string, count: number): Float64Array {
  const [g, v] = [filled(gamma, count), filled(variance, count)];
  return Float64Array.from(g, (n, k) => n / Math.sqrt((v[k] as number) + Number(epsilon)));
}

/** The numbers of an initializer, by the recipe that stands as its external data's location. */
const makers: Readonly<Record<string, (parts: readonly string[], count: number) => Float32Array>> = {
  fill: ([parameter = ""], count) => filled(parameter, count),
  /** A parameter [rows, columns], stored as [columns, rows]. */
  transposed: ([parameter = "", ...sizes], count) => {
    const [rows = 0, columns = 0] = sizes.map(Number);
    const data = filled(parameter, count);
    const turned = new Float32Array(count);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j] as number;
    return turned;
  },
  /** A weight [outer, K, inner] that took in a batch normalisation over K. */
  scaled: ([weight = "", gamma = "", variance = "", epsilon = "", ...sizes], count) => {
    const [, channels = 0, inner = 0] = sizes.map(Number);
    const scale = scaleOf(gamma, variance, epsilon, channels);
    return filled(weight, count).map((n, i) => n * (scale[Math.floor(i / inner) % channels] as number));
  },
  /** The bias that goes with it. */
  shifted: ([bias = "", gamma = "", beta = "", mean = "", variance = "", epsilon = ""], count) => {
    const scale = scaleOf(gamma, variance, epsilon, count);
    const [offset, middle] = [filled(beta, count), filled(mean, count)];
    const start = bias === "none" ? new Float32Array(count) : filled(bias, count);
    return start.map((n, k) => (n - (middle[k] as number)) * (scale[k] as number) + (offset[k] as number));
  },
};

/** Reads "external data": `location` is a recipe. */
export function readRecipe(location: string, _offset: number, length = 0): Uint8Array {
  const [kind = "", ...parts] = location.split("/");
  const make = makers[kind];
  if (!make) throw new Error(`no recipe "${location}"`);
  return new Uint8Array(make(parts, length / 4).buffer);
}
