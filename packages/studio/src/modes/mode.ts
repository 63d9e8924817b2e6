/** What a mode of the app is: an entry of the list in `modes.ts`, made in the mode's own folder. */

import type { Component } from "svelte";
import type { LoadedModel } from "@relprop/engine/engine";
import type { KeyLine } from "../parts/keys.ts";
import type { Session, TabbedMode } from "../state/session.svelte.ts";
import type { ViewSettings } from "../state/view-settings.ts";

/** Props of a mode's component. */
export interface ModeProps {
  readonly session: Session;
  /** The model that was opened last. It can be asked while it is `session.models.ready`. */
  readonly model: LoadedModel;
  readonly view: ViewSettings;
}

/** Of a mode that is shown before there is a model, too. */
export interface EarlyModeProps extends Pick<ModeProps, "session"> {
  readonly model: LoadedModel | undefined;
  readonly view: ViewSettings | undefined;
}

interface ModeFile<Props extends object> {
  readonly default: Component<Props>;
}

interface Entry extends TabbedMode {
  /** On its tab. */
  readonly title: string;
  /** Its own keys, for the help. */
  readonly keys?: readonly KeyLine[];
}

/** `load` gives a mode's component: at once if it is part of the first page, else when it is shown. */
export type Mode = Entry &
  (
    | { readonly needsModel: true; readonly load: () => Promise<ModeFile<ModeProps>> }
    | {
        readonly needsModel: false;
        readonly load: () => ModeFile<EarlyModeProps> | Promise<ModeFile<EarlyModeProps>>;
      }
  );
