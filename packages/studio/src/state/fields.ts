/** All state that the URL holds, as one typed list: what each entry is called, its default, how it is read and written. */

import { compositeNames, type CompositeName } from "@relprop/core";
import { colormapNames, normalizations, type ColormapName, type Normalization } from "@relprop/core/heatmap";
import type { Target } from "@relprop/engine/engine";
import type { SignFilter, ViewMode } from "./view-settings.ts";
import { readTarget, writeTarget } from "./target-text.ts";

/** One entry of the list. */
export interface Field<T> {
  readonly fallback: T;
  /** Undefined for a text that stands for no allowed value. `tabs` are the ids of the modes that there are. */
  readonly read: (text: string, tabs: readonly string[]) => T | undefined;
  readonly write: (value: T) => string;
}

const oneOf = <T extends string>(values: readonly T[], fallback: T): Field<T> => ({
  fallback,
  read: (text) => values.find((value) => value === text),
  write: (value) => value,
});

const text = (fallback: string): Field<string> => ({
  fallback,
  read: (value) => value,
  write: (value) => value,
});

const number = (fallback: number, least: number, most: number): Field<number> => ({
  fallback,
  read: (value) => {
    const read = value.trim() === "" ? Number.NaN : Number(value);
    return read >= least && read <= most ? read : undefined;
  },
  write: String,
});

const target: Field<Target> = { fallback: { kind: "prediction" }, read: readTarget, write: writeTarget };

/** A number, or `auto` for the one that fits. */
const numberOrAuto = (least: number, most: number): Field<number | "auto"> => ({
  fallback: "auto",
  read: (value, tabs) => (value === "auto" ? value : number(0, least, most).read(value, tabs)),
  write: String,
});

/** What the URL's picture begins with where it was added as a file, which is kept in this browser. */
export const addedPicture = "file:";

/** `auto` is what fits model and target best. */
export type CompositeChoice = CompositeName | "auto";
const composite = oneOf<CompositeChoice>(["auto", ...compositeNames], "auto");

export type ColormapChoice = ColormapName | "auto";
export type NormalizationChoice = Normalization | "auto";

/** What a second heatmap beside the first one shows; `none` for no second one. */
export type Comparison = "none" | "rule" | "class";

export const fields = {
  /** The mode that is shown. */
  tab: { ...text("images"), read: (value, tabs) => tabs.find((tab) => tab === value) } as Field<string>,
  /** A shipped model, one of the zoo, or one that was dropped here before. */
  model: text("digits"),
  /** A picture of the gallery, the address of one, or {@link addedPicture} and the name of a file that was added. */
  picture: text(""),
  rule: composite,
  target,
  /** `auto`, here and below, is what the command chooses, too. */
  keep: numberOrAuto(0, 1),
  map: oneOf<ColormapChoice>(["auto", ...colormapNames], "auto"),
  normalize: oneOf<NormalizationChoice>(["auto", ...normalizations], "auto"),
  clip: numberOrAuto(50, 100),
  opacity: number(0.9, 0, 1),
  sign: oneOf<SignFilter>(["both", "for", "against"], "both"),
  mode: oneOf<ViewMode>(["overlay", "side", "heatmap"], "overlay"),
  compare: oneOf<Comparison>(["none", "rule", "class"], "none"),
  rule2: composite,
  target2: target,
  /** The node that the mode Layers shows, by name. */
  layer: text(""),
  engine: oneOf(["auto", "wasm", "webgpu", "local"] as const, "auto"),
} as const;

/** The state of the app. */
export type AppState = { [K in keyof typeof fields]: (typeof fields)[K] extends Field<infer T> ? T : never };

/** The entries' names, in the order of the list. */
export const keys: readonly (keyof AppState)[] = Object.keys(fields) as (keyof AppState)[];

/** Keys are tied to their types by the list; TypeScript cannot see that through an index. */
export const fieldOf = (key: keyof AppState): Field<unknown> => fields[key] as Field<unknown>;
