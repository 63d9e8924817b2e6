/** "Did you mean …": the nearest of the allowed words, if one is near. */

import { sure } from "./sure.ts";

/** An error's `fix` that names the nearest allowed word; empty if none is near. */
export function suggestion(word: string, allowed: readonly string[]): { fix?: string } {
  const near = allowed
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 3))
    .sort((a, c) => a.distance - c.distance)[0];
  return near ? { fix: `did you mean "${near.candidate}"?` } : {};
}

/** Levenshtein 1966: insertions, deletions and substitutions that turn one word into the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const substituted = sure(row[j - 1]) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, sure(row[j]) + 1, sure(next[j - 1]) + 1));
    }
    row = next;
  }
  return sure(row[to.length]);
}
