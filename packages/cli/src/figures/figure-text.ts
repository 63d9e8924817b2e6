/** What is said around a figure of values and relevance, and what it is drawn in. */

import {
  colormap,
  usualColoring,
  type Colormap,
  type Figure,
  type FigurePanel,
  type Legend,
  type UsualColoring,
} from "@relprop/core/heatmap";
import { figurePaints } from "@relprop/core/internal";

/** Numbers in the order of their axes, the last axis fastest. */
export type Numbers = ArrayLike<number>;

/** The texts of a figure: name of the sample, what is explained, where relevance stayed, and by which method. */
export interface FigureText extends Pick<Figure, "title" | "explained" | "verdict" | "theme"> {
  readonly method?: readonly string[];
  /** The name of what is explained, for the sentence that tells the colours: `cat`; left out for the whole prediction. */
  readonly label?: string;
  /** The colours of relevance; those of the program's pictures if left out. */
  readonly coloring?: UsualColoring;
}

/** The width that plots fill, in pixels at 1×: that of a row of pictures in other figures. */
export const plotWidth = 760;

/** What a figure is drawn in. */
export interface Look {
  readonly isDark: boolean;
  readonly paints: (typeof figurePaints)["light"];
  readonly coloring: UsualColoring;
  readonly map: Colormap;
  /** The colours of relevance for and against, for bars and dots: the ends of the colour map. */
  readonly for: string;
  readonly against: string;
}

/** What the figure of a text is drawn in. @throws OptionError if the colour map does not exist */
export function lookOf({ theme = "light", coloring }: FigureText): Look {
  const isDark = theme === "dark";
  const chosen = coloring ?? usualColoring(true, isDark);
  const map = colormap(chosen.colormap);
  // A sequential map has no colour against; bars are told apart by their direction too.
  const ends = map.kind === "diverging" ? map : colormap(usualColoring(true, isDark).colormap);
  return {
    isDark,
    paints: figurePaints[theme],
    coloring: chosen,
    map,
    for: colorOf(ends, 1),
    against: colorOf(ends, 0),
  };
}

/** The colour of a position in [0, 1]. */
export function colorOf({ colors }: Colormap, position: number): string {
  const [red = 0, green = 0, blue = 0] = colors.subarray(3 * Math.round(255 * position));
  return `rgb(${red},${green},${blue})`;
}

/** A figure of panels. @param notes what the reader has to know besides, before the method: `1 value is no number: a gap` */
export const figureOf = (
  text: FigureText,
  panels: readonly FigurePanel[],
  { colormap, legend, notes = [] }: { colormap: Colormap; legend: Legend; notes?: readonly string[] },
): Figure => ({
  title: text.title,
  explained: text.explained,
  panels,
  colormap,
  legend,
  ...(text.verdict !== undefined && { verdict: text.verdict }),
  method: [...notes, ...(text.method ?? [])],
  ...(text.theme && { theme: text.theme }),
});
