/** What is explained and how it is drawn, in every mode of the app. */

import type { CompositeName } from "@relprop/core";
import type { ColormapName, Normalization } from "@relprop/core/heatmap";
import type { Target } from "@relprop/engine/engine";

/** The layout of picture and relevance on a canvas: the map over the grey picture, beside it, or alone. */
export type ViewMode = "overlay" | "side" | "heatmap";

/** The shown relevance: all, only for the target, or only against it. */
export type SignFilter = "both" | "for" | "against";

/** What is explained and how it is drawn; shared by all modes, stored in the URL. */
export interface ViewSettings {
  readonly composite: CompositeName;
  readonly target: Target;
  /** Whether the whole prediction is explained, starting at the softmax: relevance without signs. */
  readonly isWhole: boolean;
  /** The fraction of relevance that the relevance filter keeps at each layer, in [0, 1]; 0 is off. */
  readonly keep: number;
  readonly colormap: ColormapName;
  readonly normalize: Normalization;
  /** Percentile in (50, 100] used as the maximum; 100 is the maximum itself. */
  readonly clip: number;
  /** Maximum opacity of the map over the picture, in [0, 1]. */
  readonly opacity: number;
  readonly sign: SignFilter;
  readonly mode: ViewMode;
}
