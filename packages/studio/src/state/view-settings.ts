/** What is explained and how it is drawn, in every mode of the app. */

import type { CompositeName } from "@relprop/core";
import type { ColormapName, Normalization } from "@relprop/core/heatmap";
import type { Target } from "@relprop/engine/engine";

/** How picture and relevance are put on a canvas: the map on the grey picture, beside it, or alone. */
export type ViewMode = "overlay" | "side" | "heatmap";

/** Which relevance is shown: all of it, what speaks for the target, or what speaks against it. */
export type SignFilter = "both" | "for" | "against";

/** What is explained and how it is drawn; one object for all modes, kept in the URL. */
export interface ViewSettings {
  readonly composite: CompositeName;
  readonly target: Target;
  /** Whether that is the prediction as a whole, from the softmax: relevance without signs. */
  readonly isWhole: boolean;
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
