/** How much relevance reached a window of a sound. */

import type { FloatArray } from "@relprop/core";
import type { SoundPlan } from "./sound-plan.ts";
import type { WindowPlace } from "./sound-windows.ts";

/** Relevance of a window: all of it, and what lies behind the end of the sound. */
export interface WindowSums {
  readonly reached: number;
  readonly padding: number;
}

/** Sums over a window. @param relevance as the input, without the axis of samples if it has one */
export function windowSums(
  { data }: Pick<FloatArray, "data">,
  { padded }: WindowPlace,
  { channels, channelAxis, input }: SoundPlan,
): WindowSums {
  const time = data.length / channels;
  const isLast = channels > 1 && channelAxis === input.shape.length - 1;
  let [reached, padding] = [0, 0];
  for (const [i, number] of data.entries()) {
    reached += number;
    const at = isLast ? Math.floor(i / channels) : i % time;
    if (at >= time - padded) padding += number;
  }
  return { reached, padding };
}
