/** An array and its relevance -> the figure that suits it. */

import type { Figure } from "@relprop/core/heatmap";
import { timeAxis, type ArrayAxis } from "./axis.ts";
import { axisOf, figureKindOf, type ArrayHints, type FigureKind } from "./figure-kind.ts";
import type { FigureText, Numbers } from "./figure-text.ts";
import { gridFigure } from "./grid-figure.ts";
import { signalFigure } from "./signal-figure.ts";
import { countText } from "./spread.ts";
import { tableFigure } from "./table-figure.ts";
import { volumeFigure } from "./volume-figure.ts";

/** One sample, without its batch. */
export interface ValuedArray {
  readonly shape: readonly number[];
  /** In the order of the axes, the last one fastest. */
  readonly values: Numbers;
  /** The same, unitless. */
  readonly relevance: Numbers;
}

/**
 * Draws an array as its shape and the hints suggest, see {@link figureKindOf}. `figureSvg` and `drawnFigure` make files of it.
 * @throws InputError if relevance is not finite
 */
export async function arrayFigure(
  array: ValuedArray,
  text: FigureText,
  hints: ArrayHints = {},
  kind: FigureKind = figureKindOf(array.shape, hints),
): Promise<Figure> {
  const axis = (at: number, isTime = false): ArrayAxis => axisOf(at, array.shape, hints, isTime);
  switch (kind.kind) {
    case "table":
      return tableFigure({ ...array, ...(hints.names && { names: hints.names }) }, text);
    case "signal": {
      const { lanes, along } = kind;
      const channels = lanes === undefined ? 1 : (array.shape[lanes] ?? 1);
      const inOrder = arranged(array, lanes === undefined ? [along] : [lanes, along]);
      const time = hints.rate === undefined ? axis(along) : timeAxis(hints.rate);
      return signalFigure(
        {
          ...inOrder,
          channels,
          along: time,
          ...(lanes !== undefined && { lanes: laneAxis(axis(lanes), lanes, hints) }),
        },
        text,
      );
    }
    case "grid": {
      const { planes, down, across } = kind;
      const inOrder = arranged(array, [...(planes === undefined ? [] : [planes]), down, across]);
      const [rows, columns] = [array.shape[down] ?? 1, array.shape[across] ?? 1];
      const axes = {
        down: axis(down),
        across: axis(across, !kind.isSquare),
        ...(planes !== undefined && { planes: axis(planes) }),
      };
      const { isUpsideDown, isSquare } = kind;
      return gridFigure({ ...inOrder, ...axes, rows, columns, isUpsideDown, isSquare }, text);
    }
    case "volume": {
      const [first, second, third] = kind.axes;
      const shape = [array.shape[first] ?? 1, array.shape[second] ?? 1, array.shape[third] ?? 1] as const;
      const axes = [axis(first), axis(second), axis(third)] as const;
      return volumeFigure({ ...overChannels(array, shape), shape, axes }, text);
    }
    case "elements":
      return tableFigure(elementsOf(array), text);
    default:
      return kind satisfies never;
  }
}

/** An array with its axes in another order; axes that are left out have one element. */
function arranged(
  { shape, values, relevance }: ValuedArray,
  axes: readonly number[],
): Omit<ValuedArray, "shape"> {
  if (axes.every((axis, i) => i === 0 || axis > (axes[i - 1] ?? 0))) return { values, relevance };
  const strides = shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((product, length) => product * length, 1),
  );
  const [from, to] = [axes.map((axis) => strides[axis] ?? 1), axes.map((axis) => shape[axis] ?? 1)];
  const order = new Uint32Array(values.length);
  for (let i = 0; i < order.length; i++) {
    let [rest, at] = [i, 0];
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const length = to[axis] ?? 1;
      at += (rest % length) * (from[axis] ?? 0);
      rest = Math.floor(rest / length);
    }
    order[i] = at;
  }
  const take = (numbers: Numbers): Numbers => Float64Array.from(order, (at) => numbers[at] ?? Number.NaN);
  return { values: take(values), relevance: take(relevance) };
}

/** Of a volume with channels, the mean value and the sum of relevance at each place. */
function overChannels(
  { values, relevance }: ValuedArray,
  shape: readonly [number, number, number],
): { values: Numbers; relevance: Numbers; note?: string } {
  const size = shape[0] * shape[1] * shape[2];
  const channels = relevance.length / size;
  if (channels === 1) return { values, relevance };
  const [means, sums] = [new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < relevance.length; i++) {
    means[i % size] = (means[i % size] ?? 0) + (values[i] ?? Number.NaN) / channels;
    sums[i % size] = (sums[i % size] ?? 0) + (relevance[i] ?? 0);
  }
  return {
    values: means,
    relevance: sums,
    note: `mean value and sum of relevance over ${countText(channels, "channel")}`,
  };
}

/** All elements by their index, `[3, 0, 17]`. */
function elementsOf({ shape, values, relevance }: ValuedArray): Parameters<typeof tableFigure>[0] {
  const nameOf = (at: number): string => {
    const index: number[] = [];
    let rest = at;
    for (const length of shape.toReversed()) {
      index.unshift(rest % length);
      rest = Math.floor(rest / length);
    }
    return `[${index.join(", ")}]`;
  };
  return { values, relevance, nameOf, element: "element" };
}

/** The lanes of a signal are channels, unless the axis has a name. */
const laneAxis = (axis: ArrayAxis, at: number, { axes }: ArrayHints): ArrayAxis =>
  axes?.[at] ? axis : { ...axis, name: "channel" };
