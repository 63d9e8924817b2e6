/** Settings as a file, or inside a PNG: the state of the URL, and a description of the result. */

import { InputError, version, type RankedClass } from "@relprop/core";
import type { ViewSettings } from "./view-settings.ts";
import { fieldOf, keys, type AppState } from "./fields.ts";

/** The result on the screen: never read back, but useful to readers of the file. */
export interface ShownResult {
  /** The picture's name; the user's own pictures are not in the file. */
  readonly picture: string;
  readonly composite: string;
  readonly milliseconds: number;
  /** Σ R over the pixels, unitless. */
  readonly relevanceSum: number;
  /** Best first. */
  readonly top: readonly RankedClass[];
}

/** A PNG carries the settings under this keyword. */
export const settingsKeyword = "relprop";

/** The state with the app's choices in place of `auto`, since a later version may choose differently. */
export function settled(
  state: AppState,
  { composite, keep, colormap, normalize, clip }: ViewSettings,
): AppState {
  return { ...state, rule: composite, keep, map: colormap, normalize, clip };
}

/** The settings as ASCII JSON, which a PNG can carry too. Defaults are included, since a later version may change them. */
export function writeSettings(state: AppState, seen?: ShownResult): string {
  const settings = Object.fromEntries(keys.map((key) => [key, fieldOf(key).write(state[key])]));
  const text = JSON.stringify({ relprop: version, settings, ...(seen && { seen }) }, undefined, 2);
  // JSON.stringify has already escaped control characters.
  return text.replaceAll(/[^\n -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Parsed settings. */
export interface ReadSettings {
  readonly state: AppState;
  /** The picture's name; empty if the file has none. */
  readonly picture: string;
}

/** Whether JSON is a settings file, and not, for example, a model card. */
export const isSettings = (json: unknown): boolean =>
  typeof json === "object" && json !== null && "relprop" in json && "settings" in json;

/**
 * Parses the result of {@link writeSettings}. Missing settings get their defaults.
 * @throws InputError if the text is not a settings file, or a setting has a value unknown to this version
 */
export function readSettings(text: string, tabs: readonly string[]): ReadSettings {
  const json = parse(text);
  if (!isSettings(json)) {
    throw new InputError({
      what: "cannot read the settings",
      why: "the file has no “relprop” or no “settings” in it",
      fix: "take a file that the button Settings saved, or a PNG that this app saved",
    });
  }
  const { settings, seen } = json as { settings: unknown; seen?: { picture?: unknown } };
  const given =
    typeof settings === "object" && settings !== null ? (settings as Record<string, unknown>) : {};
  const entries = keys.map((key) => [key, readOne(key, given[key], tabs)]);
  const picture = typeof seen?.picture === "string" ? seen.picture : "";
  return { state: Object.fromEntries(entries) as unknown as AppState, picture };
}

function readOne(key: keyof AppState, given: unknown, tabs: readonly string[]): unknown {
  const { read, fallback } = fieldOf(key);
  if (given === undefined) return fallback;
  const value = typeof given === "string" ? read(given, tabs) : undefined;
  if (value !== undefined) return value;
  throw new InputError({
    what: "cannot read the settings",
    why: `“${key}” is ${JSON.stringify(given)}, which this version (${version}) does not know`,
    fix: "delete that line from the file to use the default",
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError({ what: "cannot read the settings", why: "they are no JSON" }, { cause: error });
  }
}
