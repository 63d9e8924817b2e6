/** A mode of the app: an entry of the list in `modes.ts`, defined in the mode's own folder. */

import type { Component } from "svelte";
import type { LoadedModel } from "@relprop/engine/engine";
import type { KeyLine } from "../parts/keys.ts";
import type { Session, SessionMode } from "../state/session.svelte.ts";
import type { ViewSettings } from "../state/view-settings.ts";

/** Props of a mode's component. */
export interface ModeProps {
  readonly session: Session;
  /** The latest opened model. It can be asked while it is `session.models.ready`. */
  readonly model: LoadedModel;
  readonly view: ViewSettings;
}

/** Props of a mode that is shown even without a model. */
export interface EarlyModeProps extends Pick<ModeProps, "session"> {
  readonly model: LoadedModel | undefined;
  readonly view: ViewSettings | undefined;
}

interface ModeFile<Props extends object> {
  readonly default: Component<Props>;
}

interface Entry extends SessionMode {
  /** The title of its tab. */
  readonly title: string;
  /** Its own keys, for the help. */
  readonly keys?: readonly KeyLine[];
}

/** `load` returns a mode's component: at once if it is part of the first page, else on first use. */
export type Mode = Entry &
  (
    | { readonly needsModel: true; readonly load: () => Promise<ModeFile<ModeProps>> }
    | {
        readonly needsModel: false;
        readonly load: () => ModeFile<EarlyModeProps> | Promise<ModeFile<EarlyModeProps>>;
      }
  );
