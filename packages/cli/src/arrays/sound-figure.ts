/** A sound coloured by its relevance, over the time. */

import type { Figure } from "@relprop/core/heatmap";
import type { FigureText } from "../figures/figure-text.ts";
import { signalFigure } from "../figures/signal-figure.ts";
import { seconds, type SoundPlan } from "../sounds/sound-plan.ts";
import type { WaveSketch } from "../sounds/wave-sketch.ts";
import { plain } from "./decimals.ts";

const number = (each: number): string => plain(Number(each.toPrecision(4)));

/** Draws a sound whose windows have all been seen. */
export function soundFigure(
  wave: WaveSketch,
  asked: string,
  { rate, size, hop }: SoundPlan,
  text: Pick<FigureText, "title" | "verdict" | "method" | "theme">,
): Figure {
  const { lanes, step } = wave.drawn();
  const { seen, reached, started, padding } = wave;
  const overlaps = seen > 1 && size !== undefined && hop !== undefined && hop < size;
  const windows = size === undefined || seen === 1 ? "" : ` of ${seconds(size / rate)}`;
  return signalFigure(
    {
      values: lanes.flatMap(({ values }) => values),
      relevance: lanes.flatMap(({ relevance }) => relevance),
      channels: lanes.length,
      sums: lanes.map(({ sum }) => sum),
      along: { name: "time", unit: "s", step: step / rate, start: wave.first / rate },
      lanes: { name: "channel" },
    },
    {
      ...text,
      explained: [
        `${asked}${seen === 1 ? "" : `, in each of ${seen} windows${windows}`}`,
        `relevance ${number(reached)} of ${number(started)}`,
        ...(padding === 0 ? [] : [`${number(padding)} of it behind the end of the sound`]),
      ],
      label: asked,
      method: [...(overlaps ? ["averaged where windows overlap"] : []), ...(text.method ?? [])],
    },
  );
}
