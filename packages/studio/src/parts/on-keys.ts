/** Keyboard shortcuts that do not disturb typing: every shortcut of the app is registered here. */

import { tinykeys } from "tinykeys";

/** Keys in tinykeys' notation, and what they do. */
export type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>;

const notTypedIn = new Set(["checkbox", "radio", "range", "button", "submit", "reset", "file", "color"]);

/** Whether a key belongs to the focused field. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target instanceof HTMLInputElement && !notTypedIn.has(target.type);
}

/** Whether the space bar would press the focused element. */
const isPressable = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  target.closest("button, a, input, summary, [role=button], [role=tab]") !== null;

const storageKey = "relprop-keys";

/** Users can turn off the shortcuts without Ctrl or Cmd (WCAG 2.2, success criterion 2.1.4). */
export const areShortcutsOn = (): boolean => localStorage.getItem(storageKey) !== "off";

/** Turns the shortcuts on or off, for this browser. */
export const turnShortcuts = (isOn: boolean): void => localStorage.setItem(storageKey, isOn ? "on" : "off");

const hasModifier = (key: string): boolean => key.startsWith("$mod+");
/** Fields have an undo of their own. */
const isUndo = (key: string): boolean => /^\$mod\+(Shift\+)?z$/i.test(key);
/** Opens and closes the help, which is a dialog. */
const isHelp = (key: string): boolean => key.endsWith("?");

/**
 * Listens for keys, on the window or on one element. Returns a function that stops listening. Ignored are: keys in
 * text fields (except those with Ctrl or Cmd; undo and redo still belong to the field), Space on a
 * control that it presses, all keys but the help's while a dialog is open, and on the window single keys if the user
 * has turned them off (keys on a focused element stay active, since focus already shows the intention).
 */
export function onKeys(on: Window | HTMLElement, keys: Keys): () => void {
  const guarded = Object.entries(keys).map(([key, act]): [string, (event: KeyboardEvent) => void] => [
    key,
    (event) => {
      if (event.defaultPrevented || isLeftAlone(on, key, event.target)) return;
      event.preventDefault();
      act(event);
    },
  ]);
  return tinykeys(on, Object.fromEntries(guarded));
}

function isLeftAlone(on: Window | HTMLElement, key: string, target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]") !== null && !isHelp(key)) return true;
  if (isTyping(target) && (!hasModifier(key) || isUndo(key))) return true;
  if (key === "Space" && isPressable(target)) return true;
  return on === window && !hasModifier(key) && !areShortcutsOn();
}
