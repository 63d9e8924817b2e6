/** Foreign text that is safe to print. */

/**
 * Replaces control characters by their pictures, and characters that change the writing direction by �: a text must not
 * control the terminal, nor break its line.
 */
export const withoutControls = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : code === 0x7f ? "\u2421" : "\uFFFD";
  });

/** A value from a file as a few words, for messages. */
export function shownValue(value: unknown): string {
  const text = jsonOf(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function jsonOf(value: unknown): string | undefined {
  if (typeof value === "number") return undefined;
  try {
    return JSON.stringify(value);
  } catch {
    // Nested deeper than JavaScript calls.
    return Array.isArray(value) ? "a list" : "an object";
  }
}

const longest = 1300;

/** One line of a message: without controls, and the middle of what is very long left out. */
export function plainLine(text: string): string {
  const plain = withoutControls(text);
  return plain.length <= longest ? plain : `${plain.slice(0, 900)} … ${plain.slice(-300)}`;
}
