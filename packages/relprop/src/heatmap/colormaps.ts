/**
 * Colour maps as tables of 256 colours. Perceptual maps come from d3-scale-chromatic; the others are the colours below,
 * interpolated in sRGB by culori. Plain names are matplotlib's; where zennit has other colours under the same name, its
 * map is called `zennit-…`.
 */

import { interpolate, modeRgb, parse, useMode } from "culori/fn";
import {
  interpolateInferno,
  interpolateMagma,
  interpolatePlasma,
  interpolateTurbo,
  interpolateViridis,
} from "d3-scale-chromatic";
import { OptionError } from "../errors.ts";

useMode(modeRgb);

/**
 * - `diverging`: the middle is zero, one hue is for the class and the other against it; for signed relevance
 * - `sequential`: dark is little and bright is much; for relevance of one sign
 */
export type ColormapKind = "diverging" | "sequential";

/** A colour map. Get one with {@link colormap}. */
export interface Colormap {
  /** As {@link colormap} takes it. */
  readonly name: ColormapName;
  /** What relevance it is for: signed, or of one sign. */
  readonly kind: ColormapKind;
  /** 256 colours of 3 bytes (red, green, blue); entry i is the colour of position i/255. */
  readonly colors: Uint8Array;
  /** The colours of the two ends in words, for legends: `["blue", "red"]`. */
  readonly ends: readonly [low: string, high: string];
}

/** A colour at each position of [0, 1]. */
type Colors = (position: number) => string;
type Stop = readonly [color: string, position: number];

interface Recipe {
  readonly kind: ColormapKind;
  readonly ends: readonly [string, string];
  readonly from: Colors | readonly Stop[];
}

const evenly = (...colors: readonly string[]): Stop[] =>
  colors.map((color, i): Stop => [color, i / (colors.length - 1)]);

const recipes = {
  // From matplotlib, whose _cm.py has the same numbers as piecewise linear segments.
  bwr: { kind: "diverging", ends: ["blue", "red"], from: evenly("#00f", "#fff", "#f00") },
  seismic: {
    kind: "diverging",
    ends: ["dark blue", "dark red"],
    from: evenly("rgb(0 0 30%)", "#00f", "#fff", "#f00", "rgb(50% 0 0)"),
  },
  afmhot: {
    kind: "sequential",
    ends: ["black", "white"],
    from: evenly("#000", "rgb(50% 0 0)", "rgb(100% 50% 0)", "rgb(100% 100% 50%)", "#fff"),
  },
  hot: {
    kind: "sequential",
    ends: ["black", "white"],
    from: [
      ["rgb(4.16% 0 0)", 0],
      ["#f00", 0.365079],
      ["#ff0", 0.746032],
      ["#fff", 1],
    ],
  },
  // From zennit.
  coldnhot: {
    kind: "diverging",
    ends: ["cyan", "yellow"],
    from: evenly("#0ff", "#00f", "#000", "#f00", "#ff0"),
  },
  "zennit-seismic": {
    kind: "diverging",
    ends: ["blue", "red"],
    from: evenly("#0000d0", "#d0d0d0", "#d00000"),
  },
  "zennit-hot": {
    kind: "sequential",
    ends: ["black", "white"],
    from: evenly("#000", "#f00", "#ff0", "#fff"),
  },
  // Eleven colours each from ColorBrewer (Brewer 2002), the warm end high, linear between them as in matplotlib.
  RdBu_r: {
    kind: "diverging",
    ends: ["blue", "red"],
    from: evenly(
      ..."#053061 #2166ac #4393c3 #92c5de #d1e5f0 #f7f7f7 #fddbc7 #f4a582 #d6604d #b2182b #67001f".split(" "),
    ),
  },
  PuOr_r: {
    kind: "diverging",
    ends: ["purple", "orange"],
    from: evenly(
      ..."#2d004b #542788 #8073ac #b2abd2 #d8daeb #f7f7f7 #fee0b6 #fdb863 #e08214 #b35806 #7f3b08".split(" "),
    ),
  },
  // Perceptual maps, under a type of ours: declarations of d3 are none that users of this library have.
  // Turbo is not for signed data: its middle is a bright green, not a neutral zero.
  turbo: { kind: "sequential", ends: ["blue", "red"], from: interpolateTurbo as Colors },
  inferno: { kind: "sequential", ends: ["black", "yellow"], from: interpolateInferno as Colors },
  magma: { kind: "sequential", ends: ["black", "cream"], from: interpolateMagma as Colors },
  plasma: { kind: "sequential", ends: ["blue", "yellow"], from: interpolatePlasma as Colors },
  viridis: { kind: "sequential", ends: ["purple", "yellow"], from: interpolateViridis as Colors },
} as const satisfies Record<string, Recipe>;

/** Name of a colour map; {@link colormapNames} lists them. */
export type ColormapName = keyof typeof recipes;

const isName = (name: string): name is ColormapName => Object.hasOwn(recipes, name);

/** Names of all colour maps, the usual ones first. */
export const colormapNames: readonly ColormapName[] = Object.keys(recipes).filter(isName);

const tables = new Map<ColormapName, Colormap>();

/**
 * The colour map of a name, computed on first use.
 * @throws OptionError if no map has that name
 *
 * @example
 *     const middle = colormap("bwr").colors.subarray(3 * 128, 3 * 128 + 3); // nearly white
 */
export function colormap(name: string): Colormap {
  if (!isName(name)) {
    throw new OptionError({
      what: "unknown colour map",
      where: name,
      why: "no colour map has that name",
      fix: `use ${colormapNames.join(", ")}`,
    });
  }
  const known = tables.get(name);
  if (known) return known;
  const recipe: Recipe = recipes[name];
  const made: Colormap = { name, kind: recipe.kind, ends: recipe.ends, colors: table(recipe.from) };
  tables.set(name, made);
  return made;
}

function table(from: Recipe["from"]): Uint8Array {
  const at = typeof from === "function" ? rgbOf(from) : interpolate(stopList(from), "rgb");
  const colors = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const { r, g, b } = at(i / 255);
    colors.set([byte(r), byte(g), byte(b)], 3 * i);
  }
  return colors;
}

interface Rgb {
  readonly r: number;
  readonly g: number;
  readonly b: number;
}

const stopList = (stops: readonly Stop[]): [string, number][] => stops.map(([color, at]) => [color, at]);

const rgbOf =
  (colors: Colors) =>
  (position: number): Rgb => {
    const color = parse(colors(position));
    if (color?.mode !== "rgb") throw new TypeError(`"${colors(position)}" is not an sRGB colour`);
    return color;
  };

const byte = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * 255);
