import type { Mode } from "../mode.ts";

/** A digit that is drawn is explained with every stroke. */
export const draw: Mode = {
  id: "draw",
  title: "Draw",
  takes: [],
  needsModel: false,
  load: () => import("./DrawMode.svelte"),
};
