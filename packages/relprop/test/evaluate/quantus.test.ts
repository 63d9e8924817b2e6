/** Metrics against Quantus, on the same map, input and network. Made by bench/peers/quantus_metrics.py. */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { fillerOf, blurred } from "../../src/evaluate/baselines.ts";
import { impute } from "../../src/evaluate/impute.ts";
import {
  layoutOfPicture,
  patchCells,
  pixelCells,
  relevanceOfCells,
  type Cells,
} from "../../src/evaluate/layout.ts";
import { boxMask, pointingGame, relevanceMass } from "../../src/evaluate/localization.ts";
import {
  complexity,
  gridScore,
  histogramEntropy,
  largestChange,
  sparseness,
} from "../../src/evaluate/map-metrics.ts";
import { meanAlong, orderOf, removedInputs, type First } from "../../src/evaluate/removal.ts";
import { pearson, squaredError, subsetEffects } from "../../src/evaluate/subsets.ts";
import { rankCorrelation } from "../../src/index.ts";

interface References {
  readonly sizes: { readonly channels: number; readonly side: number; readonly class: number };
  readonly network: { readonly first: number[][]; readonly bias: number[]; readonly second: number[][] };
  readonly input: number[];
  readonly map: number[];
  readonly results: Readonly<Record<string, number[]>> & {
    readonly subsets: number[][];
    readonly noise: number[][];
    readonly spearman: number;
    readonly box: { left: number; top: number; right: number; bottom: number };
  };
}

const references = JSON.parse(readFileSync(new URL("quantus.json", import.meta.url), "utf8")) as References;
const { sizes, network, map, results } = references;
const { channels, side } = sizes;
const dims = [1, channels, side, side];
const layout = layoutOfPicture(dims);
const input = Float32Array.from(references.input);
const pixels = pixelCells({ count: 1, of: new Int32Array(side * side) });
const patches = patchCells(layout, 3);
const black = (cells: Cells) => fillerOf("black", { input, layout, cells });

/** The probability of the class: the network in float64. */
function probability(x: Float32Array): number {
  const hidden = network.first.map((row, i) =>
    Math.tanh(row.reduce((sum, weight, k) => sum + weight * x[k]!, network.bias[i]!)),
  );
  const powers = network.second.map((row) =>
    Math.exp(row.reduce((sum, weight, i) => sum + weight * hidden[i]!, 0)),
  );
  return powers[sizes.class]! / powers.reduce((sum, power) => sum + power, 0);
}

const scores = async (inputs: Iterable<Float32Array>): Promise<Float64Array> =>
  Float64Array.from([...inputs].map(probability));
const whole = probability(input);

/** Quantus computes in float32. */
function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(found[i]! - expected[i]!)).toBeLessThanOrEqual(
      2e-6 * Math.max(1, Math.abs(expected[i]!)),
    );
}

async function curve(cells: Cells, first: First, removed: number[]): Promise<Float64Array> {
  const order = orderOf(relevanceOfCells(map, cells), first);
  return scores(removedInputs(order, removed, cells, black(cells)));
}

const upTo = (count: number, step = 1): number[] => Array.from({ length: count }, (_, i) => (i + 1) * step);

it("pixel flipping", async () => {
  expectClose(await curve(pixels, "most", upTo(12, 12)), results["pixel-flipping"]!);
});

it.each([
  ["most", "morf"],
  ["least", "lerf"],
] as const)("region perturbation, %s relevant first", async (first, order) => {
  const found = await curve(patches, first, upTo(16));
  expectClose(
    found.map((number) => whole - number),
    results[`region-perturbation ${order}`]!,
  );
});

it("IROF on given superpixels: Quantus leaves the first point out and counts segments", async () => {
  const cells = { of: Int32Array.from(results["segments"]!), count: Math.max(...results["segments"]!) + 1 };
  const shares = (await curve(cells, "most", upTo(cells.count))).map((number) => number / whole);
  const area = (cells.count - 1) * meanAlong(upTo(cells.count), shares);
  expectClose([cells.count - area], results["irof"]!);
});

const subsets = results.subsets.map((subset) => Int32Array.from(subset));

it("faithfulness correlation", async () => {
  const { relevance, drops } = await subsetEffects(map, pixels, subsets, {
    fill: black(pixels),
    scores,
    whole,
  });
  expectClose([pearson(relevance, drops)!], results["faithfulness-correlation"]!);
});

it("infidelity: Quantus removes patch after patch", async () => {
  const growing = upTo(16).map((count) => Int32Array.from({ length: count }, (_, i) => i));
  const effects = await subsetEffects(map, patches, growing, { fill: black(patches), scores, whole });
  expectClose([squaredError(effects, 1)], results["infidelity"]!);
  // The best factor has no larger error.
  expect(squaredError(effects)).toBeLessThan(squaredError(effects, 1e-4));
  expect(squaredError(effects)).toBeLessThan(squaredError(effects, 0));
});

it("imputation by neighbours, as a sparse solver finds it", () => {
  const removed = new Uint8Array(side * side);
  for (const place of results["removed"]!) removed[place] = 1;
  expectClose(impute(input, layout, removed), results["imputed"]!);
});

it("blur, as SciPy does it", () => {
  expectClose(blurred(input, layout, 1.5), results["blurred"]!);
});

it("sparseness and complexity", () => {
  // Quantus adds 1e-7 to each number, and 1e-12 in the logarithm.
  expectClose([sparseness(map.map((R) => Math.abs(R) + 1e-7))!], results["sparseness"]!);
  expectClose([complexity(map)!], results["complexity"]!);
  expectClose([histogramEntropy(map)], results["histogram-entropy"]!);
});

/** A map that depends on the input in a way that is easily computed. */
const explain = (x: ArrayLike<number>): number[] =>
  map.map((R, place) => [0, 1, 2].reduce((sum, channel) => sum + R * x[channel * 144 + place]!, 0));

it("max-sensitivity, of an explanation that multiplies input and map", () => {
  const others = results.noise.map((noise) => explain(noise.map((d, i) => references.input[i]! + d)));
  expectClose([largestChange(explain(references.input), others)!], results["max-sensitivity"]!);
});

it("grid score, against a Fourier transform by NumPy", () => {
  const size = [side, side] as const;
  expectClose(
    [3, 4].map((stride) => gridScore(map, size, [stride])!),
    results["grid"]!,
  );
  expect(gridScore(map, size, [3, 4])).toBe(Math.max(...[3, 4].map((s) => gridScore(map, size, [s])!)));
  const grid = Array.from({ length: 144 }, (_, i) => (i % 3 === 1 && Math.floor(i / 12) % 3 === 0 ? 7 : 1));
  expect(gridScore(grid, size, [3])).toBeCloseTo(1, 12);
  expect(gridScore(new Float64Array(144).fill(4), size, [3])).toBeUndefined();
  // Less than two periods tell nothing.
  expect(gridScore(map, size, [8])).toBeUndefined();
});

it("pointing game, relevance mass and rank correlation", () => {
  const mask = boxMask([side, side], results.box);
  expectClose([pointingGame(map, mask)!], results["pointing-game"]!);
  expectClose([relevanceMass(map, mask)!], results["relevance-mass"]!);
  expectClose([rankCorrelation(map, results["other"]!)!], [results.spearman]);
});
