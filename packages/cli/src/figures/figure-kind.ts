/** Which figure suits an array, by its shape and by what is known of its axes. */

import type { ArrayAxis } from "./axis.ts";

/** What is known of an array besides its shape. */
export interface ArrayHints {
  /** Names of the axes without the batch: `["channel", "time"]`. */
  readonly axes?: readonly string[];
  /** Samples a second along the axis of time. */
  readonly rate?: number;
  /** Names of features or channels: of the axis that has as many elements. */
  readonly names?: readonly string[];
}

/**
 * A figure, and which axis of the array is which. Axes are numbered without the batch.
 * - `table`: one axis
 * - `signal`: a lane for each element of `lanes`
 * - `grid`: `planes` if there are several
 * - `volume`: three axes, from `channels` if there are several
 * - `elements`: nothing better; the strongest by index
 */
export type FigureKind =
  | { readonly kind: "table" }
  | { readonly kind: "signal"; readonly lanes?: number; readonly along: number }
  | {
      readonly kind: "grid";
      readonly down: number;
      readonly across: number;
      readonly planes?: number;
      /** Whether its first row is at the bottom. */
      readonly isUpsideDown: boolean;
      /** Whether it is like a picture, with square cells. */
      readonly isSquare: boolean;
    }
  | { readonly kind: "volume"; readonly channels?: number; readonly axes: readonly [number, number, number] }
  | { readonly kind: "elements" };

/** Most lanes that are still told apart. */
const mostLanes = 64;
/** Most channels of a signal whose time comes first, where the rate says that it is one. */
const fewLanes = 16;
/** A longer row that has no names is drawn as a curve. */
const mostRow = 4096;

const says = (name: string | undefined, what: RegExp): boolean => name !== undefined && what.test(name);
const ofTime = /time|frame|sample|step|seq/i;
const ofFrequency = /freq|mel|bin|hz|spectr/i;
const ofChannels = /chan|lead|sensor|elect/i;
const ofDepth = /depth|slice/i;

/** The figure for an array. @param shape without the batch */
export function figureKindOf(shape: readonly number[], hints: ArrayHints = {}): FigureKind {
  // Axes of length 1 say nothing; a lone channel before two or three axes does not either.
  const axes = shape.map((_, axis) => axis).filter((axis) => (shape[axis] ?? 1) > 1);
  if (shape.some((length) => length < 1)) return { kind: "elements" };
  const [first = 0, second = 0, third = 0, fourth = 0] = axes;
  const lone = shape.length - axes.length > 0;
  switch (axes.length) {
    case 0:
      return shape.length === 0 ? { kind: "elements" } : { kind: "table" };
    case 1:
      return isSignal(shape, first, lone, hints) ? { kind: "signal", along: first } : { kind: "table" };
    case 2:
      return ofTwo(shape, [first, second], lone && shape.length > 2, hints);
    case 3:
      return shape.length > 3 || says(hints.axes?.[first], ofDepth)
        ? { kind: "volume", axes: [first, second, third] }
        : {
            kind: "grid",
            planes: first,
            down: second,
            across: third,
            isUpsideDown: isFrequency(second, hints),
            isSquare: !isFrequency(second, hints),
          };
    case 4:
      return shape.length === 4
        ? { kind: "volume", channels: first, axes: [second, third, fourth] }
        : { kind: "elements" };
    default:
      return { kind: "elements" };
  }
}

/** Whether one axis with more than one element is one of time: there is a rate, a name, or a channel before it, or it is long. */
function isSignal(
  shape: readonly number[],
  axis: number,
  lone: boolean,
  { rate, axes, names }: ArrayHints,
): boolean {
  const length = shape[axis] ?? 0;
  if (rate !== undefined || says(axes?.[axis], ofTime)) return true;
  if (names?.length === length) return false;
  return (lone && axis === shape.length - 1 && shape.length > 1) || length > mostRow;
}

const isFrequency = (axis: number, { axes }: ArrayHints): boolean => says(axes?.[axis], ofFrequency);

/** Two axes: lanes and time, or time and features, or, of one channel, a spectrogram or a picture. */
function ofTwo(
  shape: readonly number[],
  [first, second]: readonly [number, number],
  isOneChannel: boolean,
  hints: ArrayHints,
): FigureKind {
  const [rows, columns] = [shape[first] ?? 1, shape[second] ?? 1];
  const { axes, rate } = hints;
  const grid = { kind: "grid", down: first, across: second, isUpsideDown: false, isSquare: false } as const;
  if (isFrequency(first, hints)) return { ...grid, isUpsideDown: true };
  if (isFrequency(second, hints)) return { ...grid, down: second, across: first, isUpsideDown: true };
  if (isOneChannel) {
    // As high as wide and of unknown axes, it is a picture; those have their first row at the top.
    const isPicture = rows === columns && rate === undefined && axes === undefined;
    return { ...grid, isUpsideDown: !isPicture, isSquare: isPicture };
  }
  const isTimeFirst =
    says(axes?.[first], ofTime) ||
    (rows > columns && !says(axes?.[second], ofTime) && !says(axes?.[first], ofChannels));
  if (isTimeFirst) {
    if (rate !== undefined && columns <= fewLanes) return { kind: "signal", lanes: second, along: first };
    return { ...grid, down: second, across: first };
  }
  return rows <= mostLanes && !says(axes?.[first], /feature/i)
    ? { kind: "signal", lanes: first, along: second }
    : grid;
}

/** The axis of an array as a figure names it: what is known of it, else its number. */
export function axisOf(
  axis: number,
  shape: readonly number[],
  { axes, rate, names }: ArrayHints,
  isTime = false,
): ArrayAxis {
  const name = axes?.[axis] || undefined;
  const itsNames =
    names !== undefined && names.length === shape[axis] && shape.indexOf(names.length) === axis
      ? { names }
      : {};
  if (isTime && rate !== undefined) return { name: name ?? "time", unit: "s", step: 1 / rate };
  return { name: name ?? `axis ${axis}`, ...itsNames };
}
