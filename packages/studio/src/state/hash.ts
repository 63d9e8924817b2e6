/** The app's state <-> the part of the URL after `#`. What has its default is left out. */

import { fieldOf, keys, type AppState } from "./fields.ts";

/** The state of an app that was just opened. */
export const initialState = (): AppState =>
  Object.fromEntries(keys.map((key) => [key, fieldOf(key).fallback])) as unknown as AppState;

/** `#target=3-5&map=coldnhot`, or an empty string where everything has its default. */
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

/** Reads what {@link writeHash} wrote. Links get old and are typed by hand: what cannot be read has its default. */
export function readHash(hash: string, tabs: readonly string[]): AppState {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const entries = keys.map((key) => {
    const { read, fallback } = fieldOf(key);
    const text = parameters.get(key);
    return [key, text === null ? fallback : (read(text, tabs) ?? fallback)];
  });
  return Object.fromEntries(entries) as unknown as AppState;
}
