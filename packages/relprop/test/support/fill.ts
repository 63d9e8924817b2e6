/** Weights and inputs that Python's referees make as well, bit for bit. */

/** Numbers in [low, high): murmur3's finalizer over position and number, as `fill` of bench/peers/torchvision_gradients.py. */
export function fill(count: number, number: number, low: number, high: number): Float32Array {
  const seed = Math.imul(number, 0x9e3779b1);
  return Float32Array.from({ length: count }, (_, i) => {
    let h = Math.imul(i, 2654435761) ^ seed;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
    return low + ((h >>> 8) / 2 ** 24) * (high - low);
  });
}
