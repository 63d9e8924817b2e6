/** Which kinds of target an output has. */

import type { OutputFacts } from "@relprop/core";
import { isAnyMap } from "@relprop/core/internal";
import type { Target } from "./engine.ts";

/** Whether an output has a kind of target: classes of lists, places of maps, boxes of detectors. */
export function hasTarget(
  { kind, placeAxes }: Pick<OutputFacts, "kind" | "placeAxes">,
  target: Target["kind"],
): boolean {
  const isList = placeAxes.length === 0 && kind !== "embedding";
  switch (target) {
    case "prediction":
    case "elements":
      return true;
    case "class":
      return isList;
    case "contrast":
      return isList && kind !== "binary";
    case "where":
      return kind === "map";
    case "pixel":
      return isAnyMap({ kind });
    case "box":
      return kind === "detections";
  }
}
