/** "Did you mean …": the nearest of the allowed words, if one is near. */

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
      const substituted = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
