/** Turns pictures into tensors, the same in Node and the browser. */
export {
  boxInPicture,
  pictureFrame,
  pixelInInput,
  seenPart,
  type Edges,
  type PictureFrame,
} from "./picture-frame.ts";
export { inputDims, preprocess, type Picture } from "./preprocess.ts";
export { resizePlan, type ResizePlan } from "./resize-plan.ts";
export { resample, type RgbaPixels } from "./resample.ts";
