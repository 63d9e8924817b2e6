/** Whether relevance lies where the object is. */

import { sure } from "../sure.ts";
import type { Rectangle } from "./layout.ts";

/** The mask of a box, 1 inside. */
export function boxMask([height, width]: readonly [number, number], box: Rectangle): Uint8Array {
  return Uint8Array.from({ length: height * width }, (_, place) => {
    const [y, x] = [Math.floor(place / width) + 0.5, (place % width) + 0.5];
    return y >= box.top && y < box.bottom && x >= box.left && x < box.right ? 1 : 0;
  });
}

/**
 * Whether the highest relevance lies on the object: 1 or 0. Zhang et al. 2018. Where several places have the highest, one of
 * them is enough.
 * @returns undefined for an empty mask
 */
export function pointingGame(map: ArrayLike<number>, mask: Uint8Array): number | undefined {
  if (!mask.includes(1)) return undefined;
  let highest = -Infinity;
  for (let i = 0; i < map.length; i++) highest = Math.max(highest, map[i] ?? 0);
  return mask.some((isIn, i) => isIn === 1 && map[i] === highest) ? 1 : 0;
}

/**
 * The share of the positive relevance that lies on the object, Σ_mask R⁺ / Σ R⁺. Arras et al. 2022.
 * @returns undefined for an empty mask, or without positive relevance
 */
export function relevanceMass(map: ArrayLike<number>, mask: Uint8Array): number | undefined {
  let [inside, all] = [0, 0];
  for (let i = 0; i < map.length; i++) {
    const relevance = Math.max(0, map[i] ?? 0);
    all += relevance;
    if (sure(mask[i]) === 1) inside += relevance;
  }
  return all === 0 || !mask.includes(1) ? undefined : inside / all;
}
