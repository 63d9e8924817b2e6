import type { Mode } from "../mode.ts";
import ImagesMode from "./ImagesMode.svelte";

/** A picture's heatmap, its classes, and a second heatmap beside it. It is the first page, so it is not loaded lazily. */
export const images: Mode = {
  id: "images",
  title: "Images",
  takes: ["picture"],
  needsModel: false,
  load: () => ({ default: ImagesMode }),
};
