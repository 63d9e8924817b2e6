import type { Mode } from "../mode.ts";

/** Camera, video file or screen, explained frame by frame. */
export const live: Mode = {
  id: "live",
  title: "Live",
  takes: ["video"],
  keys: [["Space, R, F", "live: freeze, record, full screen"]],
  needsModel: true,
  load: () => import("./LiveMode.svelte"),
};
