/** Turns relevance into pictures and figures, the same in Node and the browser. */
export { colormap, colormapNames, type Colormap, type ColormapKind, type ColormapName } from "./colormaps.ts";
export { drawBox, type DrawnBox } from "./draw-box.ts";
export { enlarge } from "./enlarge.ts";
export { figureSvg, type FigureSvg } from "./figure.ts";
export { panelScale, type Box } from "./figure-layout.ts";
export {
  themes,
  type Figure,
  type FigureDrawing,
  type FigurePanel,
  type FigurePicture,
  type Theme,
} from "./figure-parts.ts";
export { legend, type Legend, type LegendTick } from "./legend.ts";
export {
  normalizations,
  normalize,
  type Normalization,
  type NormalizeOptions,
  type Normalized,
} from "./normalize.ts";
export { npyFile } from "./npy.ts";
export { renderOverlay } from "./overlay.ts";
export { placeHeatmap, veilUnseen, type DrawingSize, type Placement } from "./place.ts";
export { readNpy } from "./read-npy.ts";
export {
  renderHeatmap,
  type Heatmap,
  type HeatmapOptions,
  type Pixels,
  type RelevanceMap,
} from "./render.ts";
export { chooseColoring, usualColoring, type ColoringOptions, type UsualColoring } from "./usual-coloring.ts";
