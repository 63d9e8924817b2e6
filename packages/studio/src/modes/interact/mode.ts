import type { Mode } from "../mode.ts";

/** Patches on a picture, and what they change. */
export const interact: Mode = {
  id: "interact",
  title: "Interact",
  takes: ["picture"],
  keys: [["P, arrows, + −, Del", "interact: patch tool, move, resize, remove a patch"]],
  needsModel: true,
  load: () => import("./InteractMode.svelte"),
};
