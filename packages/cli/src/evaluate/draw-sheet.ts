/** The contact sheet: a row for each picture, a column for each method, the best first. */

import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { metrics, type MetricName } from "@relprop/core";
import { figurePaints } from "@relprop/core/internal";
import type { FigureDrawing, Theme } from "@relprop/core/heatmap";
import sharp from "sharp";
import { plotWidth } from "../figures/figure-text.ts";
import { clipName } from "../figures/plot-drawing.ts";
import { escape } from "../pages/page-parts.ts";
import { scoreText } from "../run/score.ts";
import type { MapResult } from "./evaluation-result.ts";
import { numberText } from "./evaluation-text.ts";

/** What the sheet shows. */
export interface SheetContent {
  readonly results: readonly MapResult[];
  readonly methods: readonly string[];
  /** What rows are sorted by, and the method whose numbers count. */
  readonly metric: MetricName;
  readonly reference: string;
  readonly folder: string;
  readonly theme: Theme;
}

/** Rows on a sheet; more would be a picture that no program opens. */
const mostRows = 60;
const [gap, lineHeight, headHeight, mostSide] = [8, 16, 22, 150];

/** A picture, and its maps by method. */
interface Row {
  readonly input: string;
  readonly maps: ReadonlyMap<string, MapResult>;
}

/** Pictures, best first by the metric of the reference; those without a number last. */
export function sortedRows({ results, metric, reference }: SheetContent): Row[] {
  const rows = new Map<string, Map<string, MapResult>>();
  for (const each of results)
    rows.set(each.input, (rows.get(each.input) ?? new Map<string, MapResult>()).set(each.method, each));
  const sign = metrics[metric].better === "higher" ? -1 : 1;
  const numberOf = ({ maps }: Row): number => {
    const number = maps.get(reference)?.numbers[metric];
    return number === undefined ? Number.MAX_VALUE : sign * number;
  };
  const all = [...rows].map(([input, maps]): Row => ({ input, maps }));
  return all.toSorted((a, c) => numberOf(a) - numberOf(c));
}

/** Draws the sheet; the worst pictures are left out where there are too many. */
export async function drawSheet(content: SheetContent): Promise<FigureDrawing> {
  const { methods, metric, theme } = content;
  const { ink, soft } = figurePaints[theme];
  const rows = sortedRows(content);
  const shown = rows.slice(0, mostRows);
  const columns = methods.length + 1;
  const side = Math.min(mostSide, Math.floor((plotWidth - (columns - 1) * gap) / columns));
  const rowHeight = side + 2 * lineHeight + gap + 2;
  const parts: string[] = [];
  const say = (text: string, column: number, y: number, fill: string): void => {
    const fitting = escape(clipName(text, side));
    parts.push(`<text x="${column * (side + gap)}" y="${y}" font-size="11" fill="${fill}">${fitting}</text>`);
  };
  for (const [i, name] of ["picture", ...methods].entries()) say(name, i, 12, ink);
  for (const [at, { input, maps }] of shown.entries()) {
    const top = headHeight + at * rowHeight;
    const [first] = maps.values();
    const files = [first?.files["picture"], ...methods.map((method) => maps.get(method)?.files["heatmap"])];
    for (const [column, file] of files.entries()) {
      if (file === undefined) continue;
      const image = await thumbnail(join(content.folder, file), side);
      parts.push(
        `<image x="${column * (side + gap)}" y="${top}" width="${side}" height="${side}" href="${image}"/>`,
      );
    }
    say(basename(input), 0, top + side + 13, ink);
    if (first) say(scoreText(first.answer), 0, top + side + 13 + lineHeight, soft);
    for (const [i, method] of methods.entries()) {
      const number = maps.get(method)?.numbers[metric];
      say(number === undefined ? "left out" : numberText(number), i + 1, top + side + 13, soft);
    }
  }
  const height = headHeight + shown.length * rowHeight;
  const which = shown.length < rows.length ? `the best ${shown.length} of ${rows.length} pictures` : "";
  return {
    caption: which,
    drawing: `<g>${parts.join("")}</g>`,
    width: columns * side + (columns - 1) * gap,
    height,
  };
}

/** A picture that fits a square, its proportions kept, as a data URL. */
async function thumbnail(path: string, side: number): Promise<string> {
  const bytes = await sharp(await readFile(path))
    .resize(2 * side, 2 * side, { fit: "contain", background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .png()
    .toBuffer();
  return `data:image/png;base64,${bytes.toString("base64")}`;
}
