/** A heatmap in words, for screen readers: the share of relevance in each ninth of the picture. */

import type { RelevanceMap } from "@relprop/core/heatmap";

const rows = ["upper", "middle", "lower"] as const;
const columns = ["left", "centre", "right"] as const;

/** One ninth of the picture and its share of all |R|, in [0, 1]. */
export interface Ninth {
  /** `upper left`, `middle`, `lower centre` … */
  readonly name: string;
  /** Relevance for the target, as a share of Σ|R|. */
  readonly for: number;
  /** Relevance against the target, as a share of Σ|R|. */
  readonly against: number;
}

/** The nine shares, row by row; they sum to 1, or are all zero if there is no relevance. */
export function ninths({ data, height, width }: RelevanceMap): Ninth[] {
  const sums = Array.from({ length: 9 }, () => ({ for: 0, against: 0 }));
  let total = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = data[y * width + x] ?? 0;
      const sum = sums[3 * Math.floor((3 * y) / height) + Math.floor((3 * x) / width)];
      total += Math.abs(value);
      if (sum) sum[value > 0 ? "for" : "against"] += Math.abs(value);
    }
  }
  const share = (sum: number): number => (total === 0 ? 0 : sum / total);
  return sums.map((sum, i) => ({
    name: nameOf(Math.floor(i / 3), i % 3),
    for: share(sum.for),
    against: share(sum.against),
  }));
}

function nameOf(row: number, column: number): string {
  return row === 1 && column === 1 ? "centre" : `${rows[row]} ${columns[column]}`;
}

/**
 * The heatmap in one sentence: `Relevance for “3”: 31 % upper right, 22 % centre; 12 % against it, mostly lower left.`
 * @param label name of the target; undefined for the whole prediction.
 */
export function summary(relevance: RelevanceMap, label?: string): string {
  const what = label === undefined ? "the prediction" : `“${label}”`;
  const all = ninths(relevance);
  const positive = all.filter((each) => each.for >= 0.05).sort((a, b) => b.for - a.for);
  const against = all.reduce((sum, each) => sum + each.against, 0);
  const inFavour = all.reduce((sum, each) => sum + each.for, 0);
  if (against + inFavour === 0) return `No relevance for ${what}: the pixels gave it no evidence.`;
  const parts = positive.slice(0, 3).map((each) => `${percent(each.for)} ${each.name}`);
  const most = all.reduce((a, b) => (b.against > a.against ? b : a));
  const rest = against >= 0.005 ? `; ${percent(against)} against it, mostly ${most.name}` : "";
  const thin = inFavour < 0.005 ? "nothing for it" : `${percent(inFavour)} for it, spread thinly`;
  const first = parts.length > 0 ? parts.join(", ") : thin;
  return `Relevance for ${what}: ${first}${rest}.`;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
