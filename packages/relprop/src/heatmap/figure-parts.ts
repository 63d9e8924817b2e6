/** What a figure is made of. */

import type { Colormap } from "./colormaps.ts";
import type { Legend } from "./legend.ts";

/** A picture of a figure. */
export interface FigurePanel {
  readonly caption: string;
  /** Further lines below it: `2.2 % for`. */
  readonly details?: readonly string[];
  /** A PNG as a data URL, enlarged by `panelScale`: what draws SVG would blur the pixels of a small one. */
  readonly image: string;
  /** Size before it was enlarged, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** What a figure is drawn on: white paper, or a dark screen. */
export type Theme = "light" | "dark";

/** All values of {@link Theme}. */
export const themes: readonly Theme[] = ["light", "dark"];

/** What a figure shows. Texts may be of any length and any script. */
export interface Figure {
  /** What the picture is called. */
  readonly title: string;
  /** What is explained, the heading first: `Egyptian cat 0.767`, then `rather than lynx`. */
  readonly explained: readonly string[];
  readonly panels: readonly FigurePanel[];
  readonly colormap: Colormap;
  readonly legend: Legend;
  /** Where relevance stayed: the `verdict` of a ledger, if one was kept. */
  readonly verdict?: string;
  /** How it was made, item by item: `composite epsilon-plus`, `seed logit`. */
  readonly method: readonly string[];
  /** @default "light" */
  readonly theme?: Theme;
  /**
   * The size that the file asks for, as a multiple of the figure's own; all that is drawn scales with it.
   * @default 1
   */
  readonly scale?: number;
}
