/** What every mode of the app (images, draw, live, interact, layers) gets from it. */

import type { CompositeName } from "relprop";
import type { ColormapName, Normalization } from "relprop/heatmap";
import type { Snippet } from "svelte";
import type { Engine, LoadedModel, Target } from "./engine/engine.ts";
import type { SourcePicture } from "./pictures/pictures.ts";
import type { AppState } from "./state/fields.ts";

/** How picture and relevance are put on a canvas: the map on the grey picture, beside it, or alone. */
export type ViewMode = "overlay" | "side" | "heatmap";

/** Which relevance is shown: all of it, what speaks for the target, or what speaks against it. */
export type SignFilter = "both" | "for" | "against";

/** What is explained and how it is drawn; one object for all modes, kept in the URL. */
export interface ViewSettings {
  readonly composite: CompositeName;
  readonly target: Target;
  /** The fraction of relevance that the relevance filter keeps at each layer, in [0, 1]; 0 is off. */
  readonly keep: number;
  readonly colormap: ColormapName;
  readonly normalize: Normalization;
  /** Percentile in (50, 100] that takes the maximum's place; 100 is the maximum itself. */
  readonly clip: number;
  /** Strongest opacity of the map over the picture, in [0, 1]. */
  readonly opacity: number;
  readonly sign: SignFilter;
  readonly mode: ViewMode;
}

/** Props of a mode's component. */
export interface ModeProps {
  readonly engine: Engine;
  readonly model: LoadedModel;
  readonly view: ViewSettings;
  /** All that the URL holds; saved pictures carry it. */
  readonly app: AppState;
  /** Puts a text in the status line; it is also read aloud, so no more than one every few seconds. */
  onStatus(text: string): void;
  /** Changes what is explained: a click on a class bar, mostly. */
  onTarget(target: Target): void;
  /** Changes the picture to one of the gallery. */
  onPicture(name: string): void;
  /** The app's controls of {@link ViewSettings}; a mode places them where they fit. */
  readonly controls?: Snippet;
  /** A picture that was dropped, pasted or opened elsewhere in the app. */
  readonly picture?: SourcePicture | undefined;
  /** A video that was dropped, pasted or opened elsewhere in the app. */
  readonly video?: File | undefined;
}
