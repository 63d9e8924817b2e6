/** Listening for keys without getting in the way of typing: every shortcut of the app goes through here. */

import { tinykeys } from "tinykeys";

/** Keys in tinykeys' notation, and what they do. */
export type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>;

const notTypedIn = new Set(["checkbox", "radio", "range", "button", "submit", "reset", "file", "color"]);

/** Whether a key pressed here belongs to the field that has the focus. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches("textarea, select")) return true;
  return target instanceof HTMLInputElement && !notTypedIn.has(target.type);
}

/** Whether the space bar would press what has the focus. */
const isPressable = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  target.closest("button, a, input, summary, [role=button], [role=tab]") !== null;

const storageKey = "relprop-keys";

/** People can turn the shortcuts without Ctrl or Cmd off (WCAG 2.2, success criterion 2.1.4). */
export const areShortcutsOn = (): boolean => localStorage.getItem(storageKey) !== "off";

/** Turns them on or off, for this browser. */
export const turnShortcuts = (isOn: boolean): void => localStorage.setItem(storageKey, isOn ? "on" : "off");

const hasModifier = (key: string): boolean => key.startsWith("$mod+");
/** Fields have an undo of their own. */
const isUndo = (key: string): boolean => /^\$mod\+(Shift\+)?z$/i.test(key);
/** Opens and closes the help, which is a dialog. */
const isHelp = (key: string): boolean => key.endsWith("?");

/**
 * Listens for keys, on the window or on one element. Gives a function that stops listening. Left alone are: keys in
 * fields one types in (those with Ctrl or Cmd work there too, but undo and redo are the field's own), Space where it
 * presses a control, everything behind a dialog but the key of the help, and on the window single keys while the person
 * has turned them off (an element that has the focus is used by them, so there they stay).
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
