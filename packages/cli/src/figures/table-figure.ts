/** Tables: one row of features, a signed bar for each. */

import { axisX, barX, gridX, ruleX, ruleY, text as textMark } from "@observablehq/plot";
import { type Figure, type FigureDrawing, type Legend } from "@relprop/core/heatmap";
import { capital, cleanText, relevanceText } from "@relprop/core/internal";
import { figureOf, lookOf, plotWidth, type FigureText, type Look, type Numbers } from "./figure-text.ts";
import { axisStyle, clipName, plotDrawing, widest } from "./plot-drawing.ts";
import { byStrength, countText, gapNotes, spreadOf, valueText } from "./spread.ts";

/** A row of a table. */
export interface TableRow {
  /** One for each feature. */
  readonly values: Numbers;
  /** The same, unitless. */
  readonly relevance: Numbers;
  readonly names?: readonly string[];
  /** Names of those without one; else their number. */
  readonly nameOf?: (index: number) => string;
  /** The values as they are in the file, where numbers do not say it: names of categories. */
  readonly valueTexts?: readonly string[];
  /**
   * What its elements are.
   * @default "feature"
   */
  readonly element?: string;
}

const mostBars = 30;
const rowHeight = 20;
const column = { name: 200, value: 90 };

/** A bar with its texts. */
interface Bar {
  readonly name: string;
  readonly value: string;
  readonly relevance: number;
  readonly isRest: boolean;
}

/** Draws a row: bars sorted by |relevance|, values beside the names; of more than 30 features, the weak ones together. */
export function tableFigure(row: TableRow, text: FigureText): Figure {
  const look = lookOf(text);
  const count = row.relevance.length;
  const { element = "feature" } = row;
  const bars = barsOf(row, element);
  const notes = [countText(count, element), ...gapNotes(spreadOf(row.values).gaps, "written as they are")];
  const panel = drawBars(bars, look);
  return figureOf(text, [panel], { colormap: look.map, legend: barLegend(bars, text, look), notes });
}

function barsOf({ values, relevance, names, nameOf, valueTexts }: TableRow, element: string): Bar[] {
  const all = Array.from(relevance);
  const order = byStrength(all.map(Math.abs));
  const kind = (i: number): string => nameOf?.(i) ?? `${element} ${i}`;
  const bars = order.slice(0, mostBars).map((i): Bar => ({
    name: clipName(cleanText(names?.[i] ?? "") || kind(i), column.name),
    value: clipName(valueTexts?.[i] ?? valueText(values[i] ?? Number.NaN), column.value),
    relevance: all[i] ?? 0,
    isRest: false,
  }));
  const rest = order.slice(mostBars);
  const sum = rest.reduce((total, i) => total + (all[i] ?? 0), 0);
  const last = {
    name: `and ${countText(rest.length, "more", "more")}, together`,
    value: "",
    relevance: sum,
    isRest: true,
  };
  return rest.length === 0 ? bars : [...bars, last];
}

/** What bars say: their colours need no colour bar. */
export function barLegend(
  bars: readonly Pick<Bar, "relevance">[],
  { label }: FigureText,
  { map, isDark }: Look,
): Legend {
  const what = label === undefined ? "the answer" : `“${label}”`;
  const isDiverging = map.kind === "diverging";
  const [low, high] = isDiverging ? map.ends : isDark ? ["cyan", "yellow"] : ["blue", "red"];
  const sentence = bars.some(({ relevance }) => relevance !== 0)
    ? `${capital(high)} bars to the right speak for ${what}, ${low} bars to the left against it.`
    : "All relevance is zero: nothing here gave evidence.";
  return { ticks: [], ends: ["", ""], sentence };
}

function drawBars(bars: readonly Bar[], look: Look): FigureDrawing {
  const { paints } = look;
  const names = widest([...bars.map(({ name }) => name), "feature"]);
  const values = widest([...bars.map(({ value }) => value), "value"]);
  const numbers = widest(bars.map(({ relevance }) => relevanceText(relevance))) + 8;
  const { low, high } = spreadOf([0, ...bars.map(({ relevance }) => relevance)]);
  const size = { marginTop: 22, marginBottom: 36, marginLeft: names + values + 28, marginRight: 6 };
  const at = (_: Bar, i: number): number => i;
  const cell = { y: at, frameAnchor: "left", textAnchor: "end" } as const;
  const head = { frameAnchor: "top-left", textAnchor: "end", dy: -16, fill: paints.soft } as const;
  const ends = bars.map(({ relevance }, i) => ({ relevance, i }));
  return plotDrawing(
    "",
    {
      ...size,
      width: plotWidth,
      height: size.marginTop + size.marginBottom + rowHeight * bars.length,
      x: {
        domain: low === high ? [0, 1] : [low, high],
        insetLeft: low < 0 ? numbers : 1,
        insetRight: high > 0 || low === high ? numbers : 12,
      },
      y: { type: "band", domain: bars.map((_, i) => i), padding: 0.22, round: false, axis: null },
      marks: [
        ruleY(bars, { y: at, stroke: paints.line, strokeOpacity: 0.35 }),
        gridX({ stroke: paints.line, strokeOpacity: 0.6 }),
        axisX({
          ...axisStyle(look),
          label: "relevance",
          labelAnchor: "center",
          labelArrow: "none",
          labelOffset: 32,
          tickFormat: relevanceText,
        }),
        barX(bars, {
          x: "relevance",
          y: at,
          fill: ({ relevance }: Bar) => (relevance < 0 ? look.against : look.for),
          fillOpacity: ({ isRest }: Bar) => (isRest ? 0.4 : 0.85),
        }),
        ruleX([0], { stroke: paints.soft }),
        ...[-1, 1].map((side) =>
          textMark(
            ends.filter(({ relevance }) => (relevance < 0 ? -1 : 1) === side),
            {
              x: "relevance",
              y: "i",
              text: ({ relevance }: Bar) => relevanceText(relevance),
              textAnchor: side < 0 ? "end" : "start",
              dx: 5 * side,
            },
          ),
        ),
        textMark(["feature"], { ...head, dx: -values - 22 }),
        textMark(["value"], { ...head, dx: -8 }),
        textMark(bars, { ...cell, text: "name", dx: -values - 22 }),
        textMark(bars, { ...cell, text: "value", dx: -8, fill: paints.soft }),
      ],
    },
    look,
  );
}
