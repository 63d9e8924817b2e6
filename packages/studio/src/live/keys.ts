/** Single-key shortcuts that stay out of the way of typing. */

import { tinykeys } from "tinykeys";

/** Whether a key pressed here belongs to the field that has the focus. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (
    target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement
  ) {
    return true;
  }
  return (
    target instanceof HTMLInputElement && !["checkbox", "radio", "range", "button"].includes(target.type)
  );
}

/** Whether the space bar would press what has the focus. */
const pressable = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  target.closest("button, a, input, summary, [role=button], [role=tab]") !== null;

/** People can turn the app's single-key shortcuts off in its help; this is where it notes that. */
const areShortcutsOff = (): boolean => localStorage.getItem("relprop-keys") === "off";

/**
 * Listens for keys in tinykeys' notation, on the window or on one element. Gives a function that stops listening.
 * Keys are left alone in fields one types in, and Space where it presses a control; on the window, all are while the
 * person has turned shortcuts off (on an element that has the focus they are how it is used).
 */
export function onKeys(
  on: Window | HTMLElement,
  bindings: Readonly<Record<string, (event: KeyboardEvent) => void>>,
): () => void {
  const guarded = Object.entries(bindings).map(
    ([key, act]) =>
      [
        key,
        (event: KeyboardEvent) => {
          if (event.defaultPrevented || isTyping(event.target)) return;
          if (on === window && areShortcutsOff()) return;
          if (key === "Space" && pressable(event.target)) return;
          event.preventDefault();
          act(event);
        },
      ] as const,
  );
  return tinykeys(on, Object.fromEntries(guarded));
}
