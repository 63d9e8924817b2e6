/** Creates the chosen engine: this browser's, or the one of `relprop studio`. */

import type { Engine, EngineStatus } from "@relprop/engine/engine";
import { BrowserEngine } from "../engine/browser-engine.ts";
import { LocalEngine } from "../engine/local-engine.ts";
import type { AppState } from "./fields.ts";

/**
 * @param isLocal whether the page has a local engine and that one is chosen
 * @param onStatus called for unrequested changes
 */
export function makeEngine(
  choice: AppState["engine"],
  isLocal: boolean,
  onStatus: (status: EngineStatus) => void,
): Engine {
  if (isLocal) return new LocalEngine(location.href);
  return new BrowserEngine(choice === "local" ? "auto" : choice, onStatus);
}
