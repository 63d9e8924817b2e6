/** Keyboard shortcuts: the list that the help shows, and what they do. */

import { colormapNames, normalizations, usualColoring } from "@relprop/core/heatmap";
import type { ViewSettings } from "../state/view-settings.ts";
import { viewOf } from "../state/view.ts";
import type { Session } from "../state/session.svelte.ts";
import type { Keys } from "./on-keys.ts";

/** A line of the help. */
export type KeyLine = readonly [keys: string, does: string];

/** The keys in the help, including those of the modes. */
export const keyList = (ofModes: readonly KeyLine[]): readonly KeyLine[] => [
  ["?", "this list"],
  ["Ctrl/Cmd + O", "open a picture or a model"],
  ["1 – 5", "explain the class of that bar"],
  ["Shift + 1 – 5", "explain it rather than the class shown"],
  ["0", "explain the whole prediction, or what is usual for the model"],
  ["M", "overlay, side by side, heatmap alone"],
  ["C, Shift + C", "next, previous colour map"],
  ["N", "next way to spread the colours"],
  ["[ and ]", "less, more opacity"],
  ["S", "save a PNG"],
  ...ofModes,
  ["Ctrl/Cmd + Z", "undo (Shift: redo)"],
  ["Esc", "close"],
];

const views = ["overlay", "side", "heatmap"] as const;

function next<T>(values: readonly T[], value: T, step: number): T {
  const at = values.indexOf(value) + step;
  return values[(at + values.length) % values.length] ?? value;
}

/** The keys that work in every mode. */
export function appKeys(session: Session): Keys {
  const set = session.set.bind(session);
  const opacity = (step: number): void => {
    const value = Math.round(100 * session.app.opacity + step) / 100;
    set({ opacity: Math.min(1, Math.max(0, value)) });
  };
  /** The visible settings, with the app's choices in place of `auto`. */
  const colours = (): Pick<ViewSettings, "colormap" | "normalize"> => {
    const { model } = session.models;
    return model ? viewOf(session.app, model) : usualColoring(true);
  };
  return {
    m: () => set({ mode: next(views, session.app.mode, 1) }),
    c: () => set({ map: next(colormapNames, colours().colormap, 1) }),
    "Shift+c": () => set({ map: next(colormapNames, colours().colormap, -1) }),
    n: () => set({ normalize: next(normalizations, colours().normalize, 1) }),
    "[": () => opacity(-10),
    "]": () => opacity(10),
    "$mod+o": () => document.querySelector<HTMLInputElement>("#open-file")?.click(),
  };
}
