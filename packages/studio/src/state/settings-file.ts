/** Settings as a file, or inside a PNG: all that the URL holds, and what was seen with it. */

import { InputError, version, type RankedClass } from "@relprop/core";
import type { ViewSettings } from "./view-settings.ts";
import { fieldOf, keys, type AppState } from "./fields.ts";

/** What was on the screen: not read back, but there for whoever looks at the file. */
export interface SeenResult {
  /** What the picture is called; pictures that people bring are not in the file. */
  readonly picture: string;
  readonly composite: string;
  readonly milliseconds: number;
  /** Σ R over the pixels, unitless. */
  readonly relevanceSum: number;
  /** Best first. */
  readonly top: readonly RankedClass[];
}

/** Under this keyword a PNG carries the text. */
export const settingsKeyword = "relprop";

/** The state with what the app chose in the place of `auto`: a later version may choose otherwise. */
export function settled(
  state: AppState,
  { composite, keep, colormap, normalize, clip }: ViewSettings,
): AppState {
  return { ...state, rule: composite, keep, map: colormap, normalize, clip };
}

/** The settings as JSON, in ASCII so that a PNG can carry it too. Defaults are written out: a later version may have others. */
export function writeSettings(state: AppState, seen?: SeenResult): string {
  const settings = Object.fromEntries(keys.map((key) => [key, fieldOf(key).write(state[key])]));
  const text = JSON.stringify({ relprop: version, settings, ...(seen && { seen }) }, undefined, 2);
  // JSON has escaped control characters already.
  return text.replaceAll(/[^\n -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Settings that were read. */
export interface ReadSettings {
  readonly state: AppState;
  /** What the picture was called; empty if the file does not say. */
  readonly picture: string;
}

/** Whether JSON is what {@link writeSettings} wrote, and not a model card for one. */
export const isSettings = (json: unknown): boolean =>
  typeof json === "object" && json !== null && "relprop" in json && "settings" in json;

/**
 * Reads what {@link writeSettings} wrote. A setting that is missing has its default.
 * @throws InputError if the text is none of these, or a setting has a value that this version does not know
 */
export function readSettings(text: string, tabs: readonly string[]): ReadSettings {
  const json = parse(text);
  if (!isSettings(json)) {
    throw new InputError({
      what: "cannot read the settings",
      why: "the file has no “relprop” and no “settings” in it",
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
    fix: "take that line out of the file to have the default",
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError({ what: "cannot read the settings", why: "they are no JSON" }, { cause: error });
  }
}
