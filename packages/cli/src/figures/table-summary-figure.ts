/** Tables over a data set: mean |relevance| of features, and a point for each row. */

import {
  axisX,
  barX,
  gridX,
  ruleX,
  ruleY,
  text as textMark,
  dot,
  type RenderFunction,
} from "@observablehq/plot";
import { colormap, type Colormap, type Figure, type Legend } from "@relprop/core/heatmap";
import { relevanceText } from "@relprop/core/internal";
import { beeswarm, sampleOf } from "./beeswarm.ts";
import {
  colorOf,
  figureOf,
  lookOf,
  plotWidth,
  type FigureText,
  type Look,
  type Numbers,
} from "./figure-text.ts";
import { axisStyle, clipName, namesOf, plotDrawing, widest } from "./plot-drawing.ts";
import { standingOut } from "./relevance-colors.ts";
import { byStrength, countText, gapNotes, spreadOf } from "./spread.ts";

/** Rows of a table. */
export interface Table {
  /** [rows, features]. */
  readonly values: Numbers;
  /** The same, unitless. */
  readonly relevance: Numbers;
  readonly features: number;
  readonly names?: readonly string[];
}

const mostFeatures = 20;
const mostPoints = 500;
const rowHeight = 26;
const barsWidth = Math.round(0.42 * plotWidth);
/** Percentiles of a feature's values that have the colours at the ends. */
const ends = [0.05, 0.95] as const;

/** A feature that is drawn, and where its points are. */
interface Feature {
  readonly name: string;
  readonly mean: number;
  readonly points: readonly Point[];
}

interface Point {
  readonly relevance: number;
  readonly offset: number;
  /** Position of the value between low and high; undefined if it is no number. */
  readonly level: number | undefined;
}

/** Draws what matters over all rows: the 20 features with the largest mean |relevance|, and how their values matter. */
export function tableSummaryFigure(table: Table, text: FigureText): Figure {
  const look = lookOf(text);
  const map = standingOut(colormap(look.isDark ? "plasma" : "viridis"), look);
  const rows = table.relevance.length / table.features;
  const means = meansOf(table, rows);
  const shown = byStrength(means).slice(0, mostFeatures);
  const sample = sampleOf(rows, mostPoints);
  const drawn = { low: 0, high: 0 };
  for (const feature of shown)
    for (const row of sample) {
      const relevance = table.relevance[row * table.features + feature] ?? 0;
      drawn.low = Math.min(drawn.low, relevance);
      drawn.high = Math.max(drawn.high, relevance);
    }
  const names = namesOf(table.features, table.names, "feature");
  const features = shown.map((at): Feature => ({
    name: clipName(names[at] ?? "", 150),
    mean: means[at] ?? 0,
    points: pointsOf(table, at, sample, drawn),
  }));
  const hidden = table.features - features.length;
  const notes = [
    countText(rows, "row"),
    ...(hidden > 0 ? [`the ${features.length} strongest of ${countText(table.features, "feature")}`] : []),
    ...(sample.length < rows
      ? [`points of ${countText(sample.length, "row")} chosen at random, means of all`]
      : []),
    ...gapNotes(spreadOf(table.values).gaps, "points in grey"),
  ];
  const panels = [drawMeans(features, look), drawPoints(features, drawn, map, look)];
  return figureOf(text, panels, { colormap: map, legend: legendOf(text, map), notes });
}

function meansOf({ relevance, features }: Table, rows: number): number[] {
  const sums = Array.from({ length: features }, () => 0);
  for (let i = 0; i < rows * features; i++) {
    const at = i % features;
    sums[at] = (sums[at] ?? 0) + Math.abs(relevance[i] ?? 0);
  }
  return sums.map((sum) => (rows === 0 ? 0 : sum / rows));
}

function pointsOf(
  { values, relevance, features }: Table,
  feature: number,
  rows: readonly number[],
  range: { readonly low: number; readonly high: number },
): Point[] {
  const mine = rows.map((row) => values[row * features + feature] ?? Number.NaN);
  const sorted = mine.filter(Number.isFinite).sort((a, b) => a - b);
  const [low = 0, high = 0] = ends.map((share) => sorted[Math.round(share * (sorted.length - 1))] ?? 0);
  const levelOf = (value: number): number | undefined => {
    if (!Number.isFinite(value)) return undefined;
    return high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
  };
  const itsRelevance = rows.map((row) => relevance[row * features + feature] ?? 0);
  const offsets = beeswarm(itsRelevance, range);
  return itsRelevance.map((each, i) => ({
    relevance: each,
    offset: offsets[i] ?? 0,
    level: levelOf(mine[i] ?? Number.NaN),
  }));
}

function legendOf({ label }: FigureText, { ends: [low, high] }: Colormap): Legend {
  const what = label === undefined ? "the answer" : `“${label}”`;
  return {
    ticks: [0, 1].map((position) => ({ position, value: position, text: "" })),
    ends: ["low value of the feature", "high value of the feature"],
    sentence: `Points to the right of zero speak for ${what}, to the left against it; from ${low} to ${high} the value of the feature rises.`,
  };
}

const margin = { marginTop: 4, marginBottom: 36 };
const heightOf = (features: readonly Feature[]): number =>
  margin.marginTop + margin.marginBottom + rowHeight * features.length;
const at = (_: Feature, i: number): number => i;
const xAxis = (look: Look, label: string): ReturnType<typeof axisX> =>
  axisX({
    ...axisStyle(look),
    label,
    labelAnchor: "center",
    labelArrow: "none",
    labelOffset: 32,
    ticks: 5,
    tickFormat: relevanceText,
  });

function drawMeans(features: readonly Feature[], look: Look): Figure["panels"][number] {
  const { paints } = look;
  const means = features.map(({ mean }) => mean);
  const high = Math.max(0, ...means);
  return plotDrawing(
    "",
    {
      ...margin,
      width: barsWidth,
      height: heightOf(features),
      marginLeft: widest(features.map(({ name }) => name)) + 8,
      marginRight: 2,
      x: { domain: [0, high || 1], insetRight: widest(means.map(relevanceText)) + 8 },
      y: {
        type: "band",
        domain: features.map((_, i) => i),
        paddingInner: 0.3,
        paddingOuter: 0.15,
        round: false,
        axis: null,
      },
      marks: [
        gridX({ stroke: paints.line, strokeOpacity: 0.6, ticks: 5 }),
        xAxis(look, "mean |relevance|"),
        barX(features, { x: "mean", y: at, fill: paints.soft }),
        ruleX([0], { stroke: paints.soft }),
        textMark(features, {
          x: "mean",
          y: at,
          text: ({ mean }: Feature) => relevanceText(mean),
          textAnchor: "start",
          dx: 5,
        }),
        textMark(features, { y: at, text: "name", frameAnchor: "left", textAnchor: "end", dx: -6 }),
      ],
    },
    look,
  );
}

function drawPoints(
  features: readonly Feature[],
  { low, high }: { readonly low: number; readonly high: number },
  map: Colormap,
  look: Look,
): Figure["panels"][number] {
  const { paints } = look;
  const points = features.flatMap(({ points }, i) =>
    points.map((point) => ({ ...point, y: i + 0.42 * point.offset })),
  );
  const colors = points.map(({ level }) =>
    level === undefined ? paints.line : colorOf(map, Math.round(32 * level) / 32),
  );
  return plotDrawing(
    "",
    {
      ...margin,
      width: plotWidth - 16 - barsWidth,
      height: heightOf(features),
      marginLeft: 6,
      marginRight: 6,
      x: { domain: low < high ? [low, high] : [-1, 1], insetLeft: 8, insetRight: 8 },
      y: { domain: [-0.5, features.length - 0.5], reverse: true, axis: null },
      marks: [
        ruleY(features, { y: at, stroke: paints.line, strokeOpacity: 0.5 }),
        gridX({ stroke: paints.line, strokeOpacity: 0.6, ticks: 5 }),
        xAxis(look, "relevance"),
        ruleX([0], { stroke: paints.soft }),
        dot(points, { x: "relevance", y: "y", sort: null, render: dotsOf(colors) }),
      ],
    },
    look,
  );
}

/** Draws dots as one path for each colour: 10,000 elements would take a second. */
const dotsOf =
  (colors: readonly string[]): RenderFunction =>
  (index, _scales, { x = [], y = [] }, _dimensions, { document }) => {
    const paths = new Map<string, string>();
    for (const i of index) {
      const color = colors[i] ?? "";
      const [left, middle] = [(x[i] ?? 0) - radius, y[i] ?? 0];
      const circle = `M${left.toFixed(1)},${middle.toFixed(1)}a${radius},${radius} 0 1 0 ${2 * radius},0a${radius},${radius} 0 1 0 ${-2 * radius},0`;
      paths.set(color, (paths.get(color) ?? "") + circle);
    }
    const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
    for (const [color, d] of paths) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", d);
      path.setAttribute("fill", color);
      path.setAttribute("fill-opacity", "0.85");
      group.append(path);
    }
    return group;
  };

const radius = 2;
