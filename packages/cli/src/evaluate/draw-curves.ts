/** How the answer fades while parts of the input are removed: the mean curves of all methods. */

import { axisX, axisY, gridY, line, ruleY, text as textMark } from "@observablehq/plot";
import type { First } from "@relprop/core";
import type { FigureDrawing, Theme } from "@relprop/core/heatmap";
import { mean } from "@relprop/core/internal";
import { lookOf, plotWidth } from "../figures/figure-text.ts";
import { axisStyle, plotDrawing, widest } from "../figures/plot-drawing.ts";
import type { MapResult } from "./evaluation-result.ts";

/** Eight colours that stay apart for the colour-blind, and on white and black paper (Okabe & Ito 2008, two of them darker). */
const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8f8a1f", "#7d7d88"];

/** The colour of a method. */
export const colorOfMethod = (methods: readonly string[], method: string): string =>
  palette[methods.indexOf(method) % palette.length] ?? "#7d7d88";

/** A point of a mean curve. */
interface Point {
  readonly series: string;
  readonly x: number;
  readonly y: number;
}

/** Points on a common scale; pictures of other sizes have other numbers of parts. */
const points = 64;

/** The mean share that is left at each share of removed parts, linear between measured points. */
function meanCurve(results: readonly MapResult[], first: First, series: string): Point[] {
  const curves = results.flatMap(({ curves: all }) => all[first] ?? []);
  if (curves.length === 0) return [];
  return Array.from({ length: points + 1 }, (_, i) => {
    const x = i / points;
    return { series, x, y: mean(curves.map(({ removed, numbers }) => shareAt(removed, numbers, x))) };
  });
}

function shareAt(removed: readonly number[], numbers: readonly number[], share: number): number {
  const at = share * (removed.at(-1) ?? 1);
  const next = Math.max(
    1,
    removed.findIndex((count) => count >= at),
  );
  const [from = 0, to = 1] = [removed[next - 1], removed[next]];
  const [a = 0, c = 0] = [numbers[next - 1], numbers[next]];
  return a + ((c - a) * (at - from)) / (to - from);
}

/** Draws the curves; undefined if no metric measured any. */
export function drawCurves(
  results: readonly MapResult[],
  methods: readonly string[],
  theme: Theme,
): FigureDrawing | undefined {
  const curves = methods.flatMap((method) => {
    const own = results.filter((each) => each.method === method);
    return (["most", "least"] as const).map((first) => ({
      method,
      first,
      points: meanCurve(own, first, `${method} ${first}`),
    }));
  });
  const shown = curves.filter((each) => each.points.length > 0);
  if (shown.length === 0) return undefined;
  const look = lookOf({ title: "", explained: [], theme });
  const style = axisStyle(look);
  const all = shown.flatMap((each) => each.points.map(({ y }) => y));
  const [low, high] = [Math.min(0, ...all), Math.max(1, ...all)];
  const options = {
    width: plotWidth,
    height: 400,
    marginTop: 14,
    marginBottom: 40,
    marginLeft: 52,
    marginRight: 24 + widest(methods),
    x: { domain: [0, 1] },
    y: { domain: [low, high] },
    marks: [
      gridY({ stroke: look.paints.line, strokeOpacity: 0.6 }),
      ruleY([0], { stroke: look.paints.line }),
      axisX({
        ...style,
        tickFormat: (share: number) => `${Math.round(100 * share)} %`,
        label: "removed",
        labelAnchor: "center",
        labelArrow: "none",
        labelOffset: 34,
      }),
      axisY({
        ...style,
        tickFormat: (share: number) => share.toFixed(1),
        label: "left of the answer",
        labelAnchor: "center",
        labelArrow: "none",
        labelOffset: 42,
      }),
      ...shown.map(({ method, first, points: curve }) =>
        line(curve, {
          x: "x",
          y: "y",
          stroke: colorOfMethod(methods, method),
          strokeWidth: 2,
          ...(first === "least" && { strokeDasharray: "5 4" }),
        }),
      ),
      ...methods.map((method, i) =>
        textMark([method], {
          frameAnchor: "top-right",
          textAnchor: "start",
          dx: 12,
          dy: 4 + 18 * i,
          fill: colorOfMethod(methods, method),
          fontWeight: 600,
        }),
      ),
    ],
  };
  return plotDrawing("mean share of the answer that is left", options, look, [
    "solid: the most relevant parts go first (deletion); dashed: the least relevant go first (insertion)",
  ]);
}
