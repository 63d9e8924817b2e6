/** Candidates in words. */

import { objection, pixelBounds } from "@relprop/core/internal";
import type { TriedPicture } from "./try-candidates.ts";

const digits = (number: number): string => String(Number(number.toPrecision(3)));

/** The range of the input's numbers: `-2.12 to 2.64`. */
export function numberRange({ input }: Pick<TriedPicture, "input">): string {
  const { low, high } = pixelBounds(input);
  return `${digits(Math.min(...[low].flat()))} to ${digits(Math.max(...[high].flat()))}`;
}

/** A table of all candidates, with an arrow before the chosen one. */
export function candidateLines(all: readonly TriedPicture[], chosen: number): string[] {
  const rows = all.map((each, i) => {
    const against = objection(each);
    return [
      `${i === chosen ? "→" : " "} ${String(i + 1).padStart(2)}`,
      each.name,
      numberRange(each),
      against === undefined ? each.answers.join(" · ") : `no: ${against}`,
    ];
  });
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((text, i) => text.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
