/** All state in the URL as one typed list: name, default, parser and writer of each entry. */

import { compositeNames, type CompositeName } from "@relprop/core";
import { colormapNames, normalizations, type ColormapName, type Normalization } from "@relprop/core/heatmap";
import type { Target } from "@relprop/engine/engine";
import type { SignFilter, ViewMode } from "./view-settings.ts";
import { readTarget, writeTarget } from "./target-text.ts";

/** One entry of the list. */
export interface Field<T> {
  readonly fallback: T;
  /** Undefined for a text without a valid value. `tabs` are the ids of the modes. */
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

/** A number, or `auto` for the app's choice. */
const numberOrAuto = (least: number, most: number): Field<number | "auto"> => ({
  fallback: "auto",
  read: (value, tabs) => (value === "auto" ? value : number(0, least, most).read(value, tabs)),
  write: String,
});

/** Prefix of the URL's picture if it was added as a file and is stored in this browser. */
export const addedPicture = "file:";

/** `auto` is the best fit for model and target. */
export type CompositeChoice = CompositeName | "auto";
const composite = oneOf<CompositeChoice>(["auto", ...compositeNames], "auto");

export type ColormapChoice = ColormapName | "auto";
export type NormalizationChoice = Normalization | "auto";

/** What the second heatmap compares; `none` for no second heatmap. */
export type Comparison = "none" | "rule" | "class";

export const fields = {
  /** The current mode. */
  tab: { ...text("images"), read: (value, tabs) => tabs.find((tab) => tab === value) } as Field<string>,
  /** A shipped model, one of the zoo, or one that was dropped here earlier. */
  model: text("digits"),
  /** A gallery picture, a URL, or {@link addedPicture} and the name of an added file. */
  picture: text(""),
  rule: composite,
  target,
  /** `auto`, here and below, is the command's choice. */
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
  /** The node shown in the mode Layers, by name. */
  layer: text(""),
  engine: oneOf(["auto", "wasm", "webgpu", "local"] as const, "auto"),
} as const;

/** The state of the app. */
export type AppState = { [K in keyof typeof fields]: (typeof fields)[K] extends Field<infer T> ? T : never };

/** The names of the entries, in the order of the list. */
export const keys: readonly (keyof AppState)[] = Object.keys(fields) as (keyof AppState)[];

/** The list ties keys to types, but TypeScript cannot follow that through an index. */
export const fieldOf = (key: keyof AppState): Field<unknown> => fields[key] as Field<unknown>;
