/** Safe output of foreign texts on a terminal. */

/**
 * Replaces control characters by their pictures, and characters that change the writing direction by �: a text must not
 * control the terminal.
 */
export const withoutControls = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : code === 0x7f ? "\u2421" : "\uFFFD";
  });

const longestExcerpt = 60;

/** The beginning of a text, in quotes, for messages. */
export function excerpt(text: string): string {
  const characters = [...withoutControls(text)];
  const isLong = characters.length > longestExcerpt;
  return `"${characters.slice(0, longestExcerpt).join("")}${isLong ? "…" : ""}"`;
}
