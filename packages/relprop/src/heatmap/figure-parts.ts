/** The content of a figure. */

import type { Colormap } from "./colormaps.ts";
import type { Legend } from "./legend.ts";

/** A picture of a figure. */
export interface FigurePanel {
  /** One line above the picture that names it: `heatmap`. */
  readonly caption: string;
  /** Further lines below it: `2.2 % for`. */
  readonly details?: readonly string[];
  /** A PNG as a data URL, enlarged by `panelScale`, since SVG renderers would blur the pixels of a small one. */
  readonly image: string;
  /** Size before it was enlarged, in pixels. */
  readonly width: number;
  /** As `width`. */
  readonly height: number;
}

/** Background of a figure: white paper, or a dark screen. */
export type Theme = "light" | "dark";

/** All values of {@link Theme}. */
export const themes: readonly Theme[] = ["light", "dark"];

/** A figure. Texts may be of any length and in any script. */
export interface Figure {
  /** Name of the picture. */
  readonly title: string;
  /** What is explained, the heading first: `Egyptian cat 0.767`, then `rather than lynx`. */
  readonly explained: readonly string[];
  /** Pictures from left to right, in rows if there are many. */
  readonly panels: readonly FigurePanel[];
  /** The colours of the bar below the pictures. */
  readonly colormap: Colormap;
  /** The numbers and the sentence below the bar: {@link legend} makes them. */
  readonly legend: Legend;
  /** Where relevance stayed: the `verdict` of a ledger, if one was kept. */
  readonly verdict?: string;
  /** The method, item by item: `composite epsilon-plus`, `seed logit`. */
  readonly method: readonly string[];
  /** @default "light" */
  readonly theme?: Theme;
  /**
   * Factor of the size in pixels; everything scales with it.
   * @default 1
   */
  readonly scale?: number;
}
