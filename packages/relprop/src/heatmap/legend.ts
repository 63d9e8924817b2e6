/** Explains the colours of a heatmap in numbers and words. */

import type { Colormap } from "./colormaps.ts";
import type { Normalization } from "./normalize.ts";
import type { Heatmap } from "./render.ts";

/** A labelled position on a colour bar. */
export interface LegendTick {
  /** Position on the bar, from 0 (the low end) to 1. */
  readonly position: number;
  /** The relevance at this position, unitless. */
  readonly value: number;
  /** The same with three significant digits. */
  readonly text: string;
}

/** A legend: draw the bar with {@link cssGradient} or the map's own colours. */
export interface Legend {
  /** The ends of the bar and its middle; one tick if all relevance is the same. */
  readonly ticks: readonly LegendTick[];
  /** The meaning of the ends in a word, `["against", "for"]`; empty if all relevance is the same. */
  readonly ends: readonly [low: string, high: string];
  /** One sentence that tells how to read the picture. */
  readonly sentence: string;
}

/**
 * The legend of a heatmap.
 * @param label the name of the explained class; undefined for the whole prediction
 * @param part what each value belongs to, in a word
 *
 * @example
 *     const { ticks, sentence } = legend(heatmap, "symmetric", "Egyptian cat");
 *     // sentence: Red speaks for “Egyptian cat”, blue against it.
 */
export function legend(
  heatmap: Pick<Heatmap, "colormap" | "normalized">,
  kind: Normalization,
  label?: string,
  part = "pixel",
): Legend {
  const { low, high, rest } = heatmap.normalized;
  const positions = high === low ? [rest] : [0, 0.5, 1];
  const ticks = positions.map((position): LegendTick => {
    const value = low + position * (high - low);
    return { position, value, text: relevanceText(value) };
  });
  const ends = high === low ? nothing : kind === "symmetric" ? signs : amounts;
  return { ticks, ends, sentence: sentence(heatmap, kind, label, part) };
}

const signs = ["against", "for"] as const;
const amounts = ["least", "most"] as const;
const nothing = ["", ""] as const;

function sentence(
  { colormap, normalized }: Pick<Heatmap, "colormap" | "normalized">,
  kind: Normalization,
  label: string | undefined,
  part: string,
): string {
  const [low, high] = colormap.ends;
  const what = label === undefined ? "the answer" : `“${label}”`;
  if (normalized.high === normalized.low) {
    return `Relevance is the same everywhere: no ${part} gave more evidence than another.`;
  }
  if (kind === "symmetric") {
    const middle = colormap.kind === "diverging" ? "" : "; the middle of the map is zero";
    return `${capital(high)} speaks for ${what}, ${low} against it${middle}.`;
  }
  const more = kind === "absolute" ? `matters for ${what}, for or against` : `speaks for ${what}`;
  return `The closer to ${high}, the more a ${part} ${more}; ${low} is the least.`;
}

/** The text with a capital at its beginning. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, useGrouping: false });

/** A relevance in three significant digits, very small and large ones in powers of ten. */
export function relevanceText(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5))
    return value.toExponential(1).replace("-", "−").replace("e−", "e-");
  return number.format(value).replace("-", "−");
}

/** A colour map as a CSS gradient from left (low) to right (high), for `background`. */
export function cssGradient(map: Colormap): string {
  const entries = Array.from({ length: 33 }, (_, i) => Math.round((i * 255) / 32));
  const colors = entries.map((entry) => `rgb(${map.colors.slice(3 * entry, 3 * entry + 3).join(" ")})`);
  return `linear-gradient(to right, ${colors.join(", ")})`;
}
