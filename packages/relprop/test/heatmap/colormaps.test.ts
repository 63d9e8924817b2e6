import { OptionError } from "../../src/errors.ts";
import { colormap, colormapNames, type ColormapName } from "../../src/heatmap/index.ts";
import { describe, expect, test } from "vitest";

const entries = [0, 32, 64, 93, 128, 160, 192, 224, 255];

/** matplotlib 3.11.2: `colormaps[name](entry, bytes=True)` at the entries above. */
const matplotlib = {
  bwr: [
    [0, 0, 255],
    [64, 64, 255],
    [128, 128, 255],
    [186, 186, 255],
    [255, 254, 254],
    [255, 190, 190],
    [255, 126, 126],
    [255, 62, 62],
    [255, 0, 0],
  ],
  seismic: [
    [0, 0, 76],
    [0, 0, 166],
    [1, 1, 255],
    [117, 117, 255],
    [255, 253, 253],
    [255, 125, 125],
    [253, 0, 0],
    [189, 0, 0],
    [127, 0, 0],
  ],
  afmhot: [
    [0, 0, 0],
    [64, 0, 0],
    [128, 0, 0],
    [186, 58, 0],
    [255, 128, 0],
    [255, 192, 65],
    [255, 255, 129],
    [255, 255, 193],
    [255, 255, 255],
  ],
  hot: [
    [10, 0, 0],
    [94, 0, 0],
    [178, 0, 0],
    [254, 0, 0],
    [255, 91, 0],
    [255, 175, 0],
    [255, 255, 6],
    [255, 255, 132],
    [255, 255, 255],
  ],
  inferno: [
    [0, 0, 3],
    [32, 12, 74],
    [87, 15, 109],
    [133, 32, 106],
    [187, 55, 84],
    [228, 90, 49],
    [249, 142, 8],
    [248, 203, 52],
    [252, 254, 164],
  ],
  magma: [
    [0, 0, 3],
    [28, 16, 70],
    [80, 18, 123],
    [126, 36, 129],
    [182, 54, 121],
    [230, 81, 98],
    [251, 136, 97],
    [254, 196, 136],
    [251, 252, 191],
  ],
  plasma: [
    [12, 7, 134],
    [76, 2, 161],
    [126, 3, 167],
    [165, 31, 151],
    [203, 71, 119],
    [229, 108, 91],
    [248, 149, 64],
    [253, 196, 39],
    [239, 248, 33],
  ],
  viridis: [
    [68, 1, 84],
    [71, 44, 123],
    [58, 82, 139],
    [45, 111, 142],
    [32, 144, 140],
    [40, 174, 127],
    [94, 201, 97],
    [173, 220, 48],
    [253, 231, 36],
  ],
  turbo: [
    [48, 18, 59],
    [70, 107, 227],
    [40, 187, 235],
    [41, 238, 160],
    [164, 252, 59],
    [237, 207, 57],
    [250, 125, 32],
    [208, 47, 4],
    [122, 4, 2],
  ],
  RdBu_r: [
    [5, 48, 97],
    [41, 113, 177],
    [107, 172, 208],
    [186, 217, 233],
    [247, 246, 246],
    [250, 204, 180],
    [228, 128, 101],
    [185, 39, 50],
    [103, 0, 31],
  ],
  PuOr_r: [
    [45, 0, 75],
    [95, 58, 145],
    [153, 143, 191],
    [202, 201, 226],
    [247, 246, 245],
    [253, 213, 159],
    [237, 155, 57],
    [188, 97, 9],
    [127, 59, 8],
  ],
} satisfies Partial<Record<ColormapName, number[][]>>;

// d3 fits turbo by a polynomial.
const allowed: Readonly<Record<string, number>> = { turbo: 40 };

const entryOf = (name: string, entry: number): number[] =>
  Array.from(colormap(name).colors.subarray(3 * entry, 3 * entry + 3));

describe("colour maps", () => {
  test.each(Object.entries(matplotlib))("%s is matplotlib's", (name, colors) => {
    for (const [i, color] of colors.entries()) {
      const ours = entryOf(name, entries[i] ?? 0);
      for (const [c, value] of color.entries()) {
        expect(
          Math.abs((ours[c] ?? -1) - value),
          `${name}[${entries[i]}]: ${ours.join()} for ${color.join()}`,
        ).toBeLessThanOrEqual(allowed[name] ?? 1);
      }
    }
  });

  test("zennit's maps of clashing names have its colours under names of their own", () => {
    expect(entryOf("zennit-seismic", 0)).toEqual([0, 0, 0xd0]);
    expect(entryOf("zennit-seismic", 255)).toEqual([0xd0, 0, 0]);
    expect(entryOf("zennit-hot", 85)).toEqual([255, 0, 0]);
    expect(entryOf("zennit-hot", 170)).toEqual([255, 255, 0]);
    expect(entryOf("coldnhot", 0)).toEqual([0, 255, 255]);
    expect(entryOf("coldnhot", 255)).toEqual([255, 255, 0]);
  });

  test("every map has 256 colours and diverging ones have the red or warm end high", () => {
    for (const name of colormapNames) {
      const { colors, kind } = colormap(name);
      expect(colors.length).toBe(768);
      if (kind === "diverging") expect(entryOf(name, 200)[0]).toBeGreaterThan(entryOf(name, 200)[2] ?? 0);
    }
  });

  test("an unknown map is an error that lists the known ones", () => {
    expect(() => colormap("jet")).toThrow(OptionError);
    expect(() => colormap("constructor")).toThrow(/afmhot, hot/);
  });
});
