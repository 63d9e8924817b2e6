/** Damage to bytes that knows nothing of their meaning. */

import type { Random } from "./random.ts";

/** The bytes with one to four places flipped, overwritten, cut out, doubled, or the rest cut off. */
export function damageBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let hurt = Uint8Array.from(bytes);
  for (let times = 1 + random.below(4); times > 0 && hurt.length > 0; times--) {
    const at = random.below(hurt.length);
    const length = Math.min(1 + random.below(16), hurt.length - at);
    switch (random.below(6)) {
      case 0:
        hurt[at] = (hurt[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 1:
        for (let i = 0; i < length; i++) hurt[at + i] = random.below(256);
        break;
      case 2:
        hurt.fill(random.of([0, 0x7f, 0x80, 0xff]), at, at + length);
        break;
      case 3:
        hurt = Uint8Array.of(...hurt.subarray(0, at), ...hurt.subarray(at + length));
        break;
      case 4:
        hurt = Uint8Array.of(...hurt.subarray(0, at + length), ...hurt.subarray(at));
        break;
      default:
        hurt = hurt.slice(0, at);
    }
  }
  return hurt;
}
