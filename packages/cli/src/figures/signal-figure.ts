/** Signals: a lane for each channel, the curve coloured by its relevance. */

import {
  axisFy,
  axisX,
  axisY,
  dot,
  gridX,
  text as textMark,
  type Markish,
  type PlotOptions,
} from "@observablehq/plot";
import { type Figure, type FigureDrawing } from "@relprop/core/heatmap";
import { relevanceText } from "@relprop/core/internal";
import { axisLabel, timeAxis, type ArrayAxis } from "./axis.ts";
import { coloredCurve } from "./colored-curve.ts";
import { decimate } from "./decimate.ts";
import { figureOf, lookOf, plotWidth, type FigureText, type Look, type Numbers } from "./figure-text.ts";
import { axisStyle, clipName, namesOf, plotDrawing, widest } from "./plot-drawing.ts";
import { colored, standingOut, type Colored } from "./relevance-colors.ts";
import { byStrength, gapNotes, spreadOf, valueText, type Spread } from "./spread.ts";

/** A signal of several channels. */
export interface Signal {
  /** [channels, samples]; what is not finite is a gap. */
  readonly values: Numbers;
  /** The same, unitless. */
  readonly relevance: Numbers;
  readonly channels: number;
  /** Relevance of each channel, where samples are left out here. @default the sum of its samples */
  readonly sums?: readonly number[];
  /** Samples a second; without it, the axis counts samples. */
  readonly rate?: number;
  /** The axis of channels, with their names. */
  readonly lanes?: ArrayAxis;
  /** The axis along a lane, in place of what `rate` says. */
  readonly along?: ArrayAxis;
}

const mostLanes = 64;
/** Points of all curves together: less than 1 MB of SVG at worst. */
const mostPoints = 40_000;
/** Columns of a curve where there are few: two for each pixel of the plot. */
const mostColumns = 1000;
const nameWidth = 150;
const most = { lane: 190, all: 620, least: 16 };

/** A lane that is drawn. */
interface Lane {
  readonly index: number;
  readonly name: string;
  readonly spread: Spread;
  /** Its relevance, all samples together. */
  readonly sum: number;
}

/**
 * Draws a signal with its relevance. More than 64 channels are reduced to those with the strongest relevance, and long ones to so many
 * samples as a screen shows, extremes of values and relevance among them.
 * @throws InputError if relevance is not finite
 */
export function signalFigure(signal: Signal, text: FigureText): Figure {
  const { relevance, channels } = signal;
  const look = lookOf(text);
  const samples = signal.values.length / channels;
  const along = signal.along ?? timeAxis(signal.rate);
  const lanes = lanesOf(signal, samples);
  const colors = colored(relevance, text, look, "sample");
  const map = standingOut(colors.map, look);
  const shared = sharedSpread(lanes);
  const notes = [
    ...(lanes.length < channels
      ? [`the ${lanes.length} channels with the strongest relevance of ${channels}`]
      : []),
    ...(shared ? [] : ["each channel has its own scale"]),
    ...gapNotes(lanes.reduce((sum, { spread }) => sum + spread.gaps, 0)),
  ];
  const panel = drawLanes({ signal, samples, along, lanes, shared, colors: { ...colors, map } }, look);
  return figureOf(text, [panel], { colormap: map, legend: colors.legend, notes });
}

function lanesOf({ values, relevance, channels, lanes, sums }: Signal, samples: number): Lane[] {
  const names = namesOf(channels, lanes?.names, lanes?.name ?? "channel");
  const all = names.map((name, index): Lane & { strength: number } => {
    let [sum, strength] = [0, 0];
    for (let i = index * samples; i < (index + 1) * samples; i++) {
      sum += relevance[i] ?? 0;
      strength += Math.abs(relevance[i] ?? 0);
    }
    return {
      index,
      name,
      sum: sums?.[index] ?? sum,
      strength,
      spread: spreadOf(values, index * samples, (index + 1) * samples),
    };
  });
  const shown = new Set(byStrength(all.map(({ strength }) => strength)).slice(0, mostLanes));
  return all.filter(({ index }) => shown.has(index));
}

/** How much larger the range of all lanes may be than that of the smallest one, if they share a scale. */
const likeness = 12;

/** The range of all lanes; undefined where some would look flat in it. */
function sharedSpread(lanes: readonly Lane[]): Spread | undefined {
  const spreads = lanes.map(({ spread }) => spread);
  const [low, high] = [
    Math.min(...spreads.map((each) => each.low)),
    Math.max(...spreads.map((each) => each.high)),
  ];
  const sizes = spreads.map((each) => each.high - each.low).filter((size) => size > 0);
  return sizes.every((size) => likeness * size >= high - low) ? { low, high, gaps: 0 } : undefined;
}

/** What is drawn of a signal. */
interface Lanes {
  readonly signal: Signal;
  readonly samples: number;
  readonly along: ArrayAxis;
  readonly lanes: readonly Lane[];
  readonly shared: Spread | undefined;
  readonly colors: Colored;
}

function drawLanes(drawn: Lanes, look: Look): FigureDrawing {
  const { signal, samples, along, lanes, shared } = drawn;
  const laneHeight = Math.max(most.least, Math.min(most.lane, Math.floor(most.all / lanes.length)));
  const isSmall = laneHeight < 40;
  const names = lanes.map(({ name }) =>
    signal.channels === 1 && !signal.lanes?.names ? "" : clipName(name, nameWidth),
  );
  // What reached a signal alone is said above it.
  const hasSums = signal.channels > 1;
  const sums = hasSums ? lanes.map(({ sum }) => relevanceText(sum)) : [];
  const spreads = isSmall ? [] : shared ? [shared] : lanes.map(({ spread }) => spread);
  const ticks = widest(spreads.flatMap(({ low, high }) => [low, high].map(relevanceText))) + 12;
  const margin = {
    marginTop: 20,
    marginRight: hasSums ? Math.max(widest(sums), widest(["relevance"])) + 12 : 16,
    marginBottom: 34,
    marginLeft: widest(names) + ticks + 10,
  };
  const style = axisStyle(look);
  const { paints } = look;
  const { x, y, fy, positions } = points(drawn);
  const label = axisLabel(along);
  const fyAxis = { label: null, tickSize: 0, color: paints.ink, fontSize: isSmall ? 10 : style.fontSize };
  const options: PlotOptions & { width: number; height: number } = {
    ...margin,
    width: plotWidth,
    height: margin.marginTop + margin.marginBottom + laneHeight * lanes.length,
    x: { domain: samples > 1 ? [0, samples - 1].map((i) => placeOf(i, along)) : [-1, 1], nice: false },
    y: { domain: withAir(shared ?? { low: 0, high: 1 }), axis: null },
    fy: { domain: lanes.map((_, at) => at), padding: isSmall ? 0 : 0.1 },
    marks: [
      gridX({ stroke: paints.line, strokeOpacity: 0.6 }),
      axisX({ ...style, label, labelAnchor: "center", labelArrow: "none", labelOffset: 30 }),
      axisFy({ ...fyAxis, anchor: "left", dx: -ticks, tickFormat: (at: number) => names[at] ?? "" }),
      axisFy({ ...fyAxis, anchor: "right", color: paints.soft, tickFormat: (at: number) => sums[at] ?? "" }),
      textMark(hasSums ? ["relevance"] : [], {
        fy: () => 0,
        frameAnchor: "top-right",
        textAnchor: "start",
        dx: 8,
        dy: -14,
        fill: paints.soft,
      }),
      ...(isSmall
        ? []
        : shared
          ? [axisY({ ...style, ticks: Math.ceil(laneHeight / 40), tickFormat: valueText, label: null })]
          : ends(lanes, paints.soft)),
      dot(x, {
        x,
        y,
        fy,
        sort: null,
        render: coloredCurve(
          { map: drawn.colors.map, positions, rest: drawn.colors.normalized.rest },
          isSmall ? [0.8, 1.6] : [1.2, 2.6],
        ),
      }),
    ],
  };
  return plotDrawing("", options, look);
}

/** The least and the largest value of each lane, at its ends. */
const ends = (lanes: readonly Lane[], fill: string): Markish[] =>
  (["bottom-left", "top-left"] as const).map((frameAnchor) =>
    textMark(lanes, {
      fy: (_, at: number) => at,
      text: ({ spread }: Lane) => relevanceText(frameAnchor === "top-left" ? spread.high : spread.low),
      frameAnchor,
      textAnchor: "end",
      dx: -6,
      fill,
    }),
  );

/** The samples that are drawn, lane after lane, in the units of the axes. */
function points({ signal, samples, along, lanes, shared, colors }: Lanes): {
  readonly x: number[];
  readonly y: number[];
  readonly fy: number[];
  readonly positions: number[];
} {
  const { values, relevance } = signal;
  const [x, y, fy, positions]: [number[], number[], number[], number[]] = [[], [], [], []];
  const columns = Math.min(mostColumns, Math.floor(mostPoints / 3 / lanes.length));
  for (const [at, { index, spread }] of lanes.entries()) {
    const from = index * samples;
    const { low, high } = spread;
    for (const i of decimate(values, relevance, { from, count: samples, columns })) {
      const value = values[from + i] ?? Number.NaN;
      x.push(samples > 1 ? placeOf(i, along) : 0);
      y.push(shared || !Number.isFinite(value) ? value : high > low ? (value - low) / (high - low) : 0.5);
      fy.push(at);
      positions.push(colors.normalized.positions[from + i] ?? 0);
    }
  }
  return { x, y, fy, positions };
}

/** Where an element is on its axis. */
const placeOf = (i: number, { step = 1, start = 0 }: ArrayAxis): number => start + i * step;

/** A range with some air around it. */
function withAir({ low, high }: Pick<Spread, "low" | "high">): [number, number] {
  const air = high > low ? 0.06 * (high - low) : Math.abs(low) || 1;
  return [low - air, high + air];
}
