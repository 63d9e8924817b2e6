import type { Mode } from "../mode.ts";

/** Where relevance stayed inside the model, and the relevance of a layer's channels. */
export const layers: Mode = {
  id: "layers",
  title: "Layers",
  takes: ["picture"],
  needsModel: true,
  load: () => import("./LayersMode.svelte"),
};
