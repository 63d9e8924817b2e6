import type { Mode } from "../mode.ts";

/** Draws a digit and explains it at every stroke. */
export const draw: Mode = {
  id: "draw",
  title: "Draw",
  takes: [],
  needsModel: false,
  load: () => import("./DrawMode.svelte"),
};
