import type { Mode } from "../mode.ts";

/** Where relevance stayed inside the model, and what a layer's channels were relevant for. */
export const layers: Mode = {
  id: "layers",
  title: "Layers",
  takes: ["picture"],
  needsModel: true,
  load: () => import("./LayersMode.svelte"),
};
