/** Relevance on a canvas, its legend and its summary in words. */
export { compose, draw, drawPlain, filterSign, putPixels, type Drawn, type DrawSettings } from "./draw.ts";
export { ninths, summary, type Ninth } from "./summary.ts";
