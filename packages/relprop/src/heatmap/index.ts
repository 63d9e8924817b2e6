/** Turns relevance into pictures and figures, the same in Node and the browser. */
export * from "./colormaps.ts";
export * from "./enlarge.ts";
export { figureSvg, type FigureSvg } from "./figure.ts";
export * from "./figure-parts.ts";
export { panelScale, type Box } from "./figure-layout.ts";
export { capital, cssGradient, legend, relevanceText, type Legend, type LegendTick } from "./legend.ts";
export * from "./normalize.ts";
export * from "./npy.ts";
export * from "./overlay.ts";
export * from "./place.ts";
export * from "./png-text.ts";
export {
  renderHeatmap,
  type Heatmap,
  type HeatmapOptions,
  type Pixels,
  type RelevanceMap,
} from "./render.ts";
export { readNpy } from "./read-npy.ts";
export {
  chooseColoring,
  signedClip,
  usualColoring,
  type ColoringOptions,
  type UsualColoring,
} from "./usual-coloring.ts";
export * from "./draw-box.ts";
