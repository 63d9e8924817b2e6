/** Safe output of foreign texts on a terminal. */

import { withoutControls } from "@relprop/core/internal";

const longestExcerpt = 60;

/** The beginning of a text, in quotes, for messages. */
export function excerpt(text: string): string {
  const characters = [...withoutControls(text)];
  const isLong = characters.length > longestExcerpt;
  return `"${characters.slice(0, longestExcerpt).join("")}${isLong ? "…" : ""}"`;
}
