/** Turns pictures into tensors, the same in Node and the browser. */
export * from "./picture-frame.ts";
export * from "./preprocess.ts";
export * from "./resize-plan.ts";
export { resample, type RgbaPixels } from "./resample.ts";
