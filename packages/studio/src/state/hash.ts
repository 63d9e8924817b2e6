/** The app's state <-> the part of the URL after `#`. Defaults are left out. */

import { fieldOf, keys, type AppState } from "./fields.ts";

/** The state of a newly opened app. */
export const initialState = (): AppState =>
  Object.fromEntries(keys.map((key) => [key, fieldOf(key).fallback])) as unknown as AppState;

/** `#target=3-5&map=coldnhot`, or an empty string if everything has its default. */
export function writeHash(state: AppState): string {
  const parameters = new URLSearchParams();
  for (const key of keys) {
    const field = fieldOf(key);
    const written = field.write(state[key]);
    if (written !== field.write(field.fallback)) parameters.set(key, written);
  }
  const text = parameters.toString();
  return text === "" ? "" : `#${text}`;
}

/** Parses the result of {@link writeHash}. Links may be old or typed by hand, so invalid values become defaults. */
export function readHash(hash: string, tabs: readonly string[]): AppState {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const entries = keys.map((key) => {
    const { read, fallback } = fieldOf(key);
    const text = parameters.get(key);
    return [key, text === null ? fallback : (read(text, tabs) ?? fallback)];
  });
  return Object.fromEntries(entries) as unknown as AppState;
}
