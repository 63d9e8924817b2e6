/** The content of a figure. */

import type { Colormap } from "./colormaps.ts";
import type { Legend } from "./legend.ts";

/** What all panels of a figure have. */
interface Captioned {
  /** One line above the panel that names it: `heatmap`. */
  readonly caption: string;
  /** Further lines below it: `2.2 % for`. */
  readonly details?: readonly string[];
  /** In pixels. */
  readonly width: number;
  /** As `width`. */
  readonly height: number;
}

/** A picture of a figure. Its size is that before it was enlarged, in pixels. */
export interface FigurePicture extends Captioned {
  /** A PNG as a data URL, enlarged by `panelScale`, since SVG renderers would blur the pixels of a small one. */
  readonly image: string;
}

/** A drawing of a figure, such as a plot. Its size is in pixels at 1×. */
export interface FigureDrawing extends Captioned {
  /** SVG elements, drawn from the point 0,0. */
  readonly drawing: string;
}

/** A part of a figure that is not text. */
export type FigurePanel = FigurePicture | FigureDrawing;

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
