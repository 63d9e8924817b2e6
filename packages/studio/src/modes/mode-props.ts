/** What the modes of the app get that are there only while a model is open: live, interact, layers. */

import type { LoadedModel } from "@relprop/engine/engine";
import type { ViewSettings } from "../state/view-settings.ts";
import type { Session } from "../state/session.svelte.ts";

/** Props of a mode's component. */
export interface ModeProps {
  readonly session: Session;
  /** The model that was opened last. It can be asked while it is `session.models.ready`. */
  readonly model: LoadedModel;
  readonly view: ViewSettings;
}
