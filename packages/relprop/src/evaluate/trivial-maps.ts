/** Maps that know nothing of the network: what any method should be better than. */

import { normalNumbers } from "../random.ts";
import type { Layout } from "./layout.ts";

/** The maps that know nothing, by their names. */
export const trivialMaps = {
  /** Normal random numbers. */
  random: "the map of chance",
  /** 1 in the centre, and less with the square of the distance. */
  centre: "a blob in the centre",
} as const;
/** One of {@link trivialMaps}. */
export type TrivialMap = keyof typeof trivialMaps;

/** Whether a name is that of a trivial map. */
export const isTrivialMap = (name: unknown): name is TrivialMap =>
  typeof name === "string" && Object.hasOwn(trivialMaps, name);

/** The square of the distance from the middle, 1 at the border. */
const away = (at: number, size: number): number => ((2 * at + 1) / size - 1) ** 2;

/** Such a map: normal random numbers, or 1 in the centre and less with the square of the distance, 0 at the middle of the borders. */
export function trivialMap(name: TrivialMap, { places, grid }: Layout, seed: number): Float32Array {
  if (name === "random") return normalNumbers(places, seed);
  const [height, width] = grid ?? [1, places];
  return Float32Array.from(
    { length: places },
    (_, place) =>
      1 - (height === 1 ? 0 : away(Math.floor(place / width), height)) - away(place % width, width),
  );
}
