/** All metrics: names, sources, and which way is better. A new metric is a row here. */

import { OptionError } from "../errors.ts";
import { rankCorrelation } from "../methods/rank-correlation.ts";
import { uniformNumbers } from "../random.ts";
import { suggestion } from "../suggestion.ts";
import { sure } from "../sure.ts";
import { momentsOf } from "./baselines.ts";
import { gridOf } from "./layout.ts";
import { pointingGame, relevanceMass } from "./localization.ts";
import { complexity, gridScore, histogramEntropy, largestChange, sparseness } from "./map-metrics.ts";
import type { Measurement } from "./measurement.ts";
import { meanAlong } from "./removal.ts";
import { mean } from "./statistics.ts";
import { pearson, squaredError } from "./subsets.ts";

/** What a metric needs besides a map, its input and the model's answers. */
export type MetricNeed = "pixels" | "mask" | "explain" | "explainOther" | "explainRandomized" | "strides";

/** A metric. */
export interface Metric {
  /** What it says, as a clause. */
  readonly text: string;
  /** Where it is from. */
  readonly source: string;
  /** Which way is better. */
  readonly better: "higher" | "lower";
  /** What it needs; without that it has no number. */
  readonly needs: readonly MetricNeed[];
  /** Computes it; undefined where it is not defined, as for a map of zeros. */
  readonly measure: (of: Measurement) => Promise<number | undefined>;
}

/** The fractions of pixels that ROAD removes. */
const roadFractions = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** The sizes of subsets for sensitivity-n, as fractions of all cells. */
const subsetFractions = [0.02, 0.05, 0.1, 0.2, 0.4, 0.8];
/** The size of subsets for the other metrics. */
const subsetFraction = 0.2;
/** The radius of noise for max-sensitivity, in standard deviations of each channel. */
const noiseRadius = 0.1;
const noisyCopies = 10;

const left = async (
  of: Measurement,
  first: "most" | "least",
  kind?: "pixels" | "superpixels",
): Promise<number> => {
  const { removed, numbers } = await of.shares(first, kind);
  return meanAlong(removed, numbers);
};

/** The mean of p(x) − p(x without S) over all points, the first one (nothing removed) included: AOPC. */
async function meanDrop(of: Measurement, first: "most" | "least"): Promise<number> {
  const { numbers } = await of.curve(first);
  return mean(numbers.map((number) => sure(numbers[0]) - number));
}

const sizeOf = (of: Measurement, fraction: number): number =>
  Math.max(1, Math.round(fraction * of.cells("cells").count));

async function sensitivityN(of: Measurement): Promise<number | undefined> {
  const sizes = [...new Set(subsetFractions.map((fraction) => sizeOf(of, fraction)))];
  const found: number[] = [];
  for (const [i, size] of sizes.entries()) {
    const { relevance, drops } = await of.effects(size, of.options.seed + i);
    const r = pearson(relevance, drops);
    if (r !== undefined) found.push(r);
  }
  return found.length === 0 ? undefined : mean(found);
}

async function maxSensitivity({ subject, source, options }: Measurement): Promise<number | undefined> {
  const { explain, map } = source;
  if (!explain) return undefined;
  const uniform = uniformNumbers(options.seed);
  const { deviation } = momentsOf(subject);
  const others: Float32Array[] = [];
  for (let copy = 0; copy < noisyCopies; copy++) {
    const changed = subject.input.map(
      (value, at) => value + noiseRadius * sure(deviation[at]) * (2 * uniform() - 1),
    );
    others.push(await explain(changed));
  }
  return largestChange(map, others);
}

/** The shares of layers, from the output on, whose weights are made random one after the other. */
const randomShares = [0.25, 0.5, 0.75, 1];

async function randomizationTest({ source }: Measurement): Promise<number | undefined> {
  const found: number[] = [];
  for (const share of source.explainRandomized ? randomShares : []) {
    const other = await source.explainRandomized?.(share);
    const rho = other && isFinite(other) ? rankCorrelation(source.map, other) : undefined;
    if (rho !== undefined) found.push(rho);
  }
  return found.length === 0 ? undefined : mean(found);
}

/** The relative rise of a map's complexity when all weights are random. */
async function complexityRise({ source }: Measurement): Promise<number | undefined> {
  const own = histogramEntropy(source.map);
  const other = own === 0 ? undefined : await source.explainRandomized?.(1);
  return other && isFinite(other) ? (histogramEntropy(other) - own) / own : undefined;
}

const isFinite = (map: Float32Array): boolean => map.every(Number.isFinite);

const table = {
  srg: {
    text: "insertion − deletion, symmetric relevance gain; random maps have 0",
    source: "Blücher et al. 2024",
    better: "higher",
    needs: [],
    measure: async (of) => (await left(of, "least")) - (await left(of, "most")),
  },
  deletion: {
    text: "mean share of the answer that is left while the most relevant parts go first",
    source: "Petsiuk et al. 2018",
    better: "lower",
    needs: [],
    measure: (of) => left(of, "most"),
  },
  insertion: {
    text: "the same while the least relevant parts go first; read backwards, the most relevant come in first",
    source: "Petsiuk et al. 2018",
    better: "higher",
    needs: [],
    measure: (of) => left(of, "least"),
  },
  "region-perturbation": {
    text: "mean drop of the answer while the most relevant parts go first (AOPC)",
    source: "Samek et al. 2017",
    better: "higher",
    needs: [],
    measure: (of) => meanDrop(of, "most"),
  },
  "region-perturbation-lif": {
    text: "mean drop of the answer while the least relevant parts go first",
    source: "Samek et al. 2017",
    better: "lower",
    needs: [],
    measure: (of) => meanDrop(of, "least"),
  },
  "pixel-flipping": {
    text: "mean share of the answer that is left while the most relevant pixels go first",
    source: "Bach et al. 2015",
    better: "lower",
    needs: ["pixels"],
    measure: (of) => left(of, "most", "pixels"),
  },
  "pixel-flipping-lif": {
    text: "the same while the least relevant pixels go first",
    source: "Bach et al. 2015",
    better: "higher",
    needs: ["pixels"],
    measure: (of) => left(of, "least", "pixels"),
  },
  road: {
    text: "mean share of the answer that is left with 10 to 90 % of the most relevant pixels imputed from their neighbours",
    source: "Rong et al. 2022",
    better: "lower",
    needs: ["pixels"],
    measure: async (of) => mean(await of.imputed(roadFractions)),
  },
  irof: {
    text: "1 − the mean share of the answer that is left while the most relevant superpixels go first",
    source: "Rieger & Hansen 2020",
    better: "higher",
    needs: ["pixels"],
    measure: async (of) => 1 - (await left(of, "most", "superpixels")),
  },
  "faithfulness-correlation": {
    text: "Pearson's r of Σ R and the drop of the answer, over random subsets of a fifth of all parts",
    source: "Bhatt et al. 2020",
    better: "higher",
    needs: [],
    measure: async (of) => {
      const { relevance, drops } = await of.effects(sizeOf(of, subsetFraction));
      return pearson(relevance, drops);
    },
  },
  "sensitivity-n": {
    text: "the same, averaged over subsets of 2 to 80 % of all parts",
    source: "Ancona et al. 2018",
    better: "higher",
    needs: [],
    measure: sensitivityN,
  },
  infidelity: {
    text: "mean squared error of β Σ R for the drop of the answer, over the same subsets, with the best β",
    source: "Yeh et al. 2019",
    better: "lower",
    needs: [],
    measure: async (of) => squaredError(await of.effects(sizeOf(of, subsetFraction))),
  },
  "max-sensitivity": {
    text: "the largest relative change of the map under noise of a tenth of each channel's deviation",
    source: "Yeh et al. 2019",
    better: "lower",
    needs: ["explain"],
    measure: maxSensitivity,
  },
  "random-logit": {
    text: "Spearman's ρ of the map and that of another class, drawn at random",
    source: "Sixt et al. 2020",
    better: "lower",
    needs: ["explainOther"],
    measure: async ({ source, options }) => {
      const other = await source.explainOther?.(options.seed);
      return other && rankCorrelation(source.map, other);
    },
  },
  mprt: {
    text: "Spearman's ρ of the map and those with random weights in the last 25, 50, 75 and 100 % of the layers, averaged",
    source: "Adebayo et al. 2018",
    better: "lower",
    needs: ["explainRandomized"],
    measure: randomizationTest,
  },
  "efficient-mprt": {
    text: "the relative rise of the entropy of the map's histogram when all weights are random",
    source: "Hedström et al. 2024",
    better: "higher",
    needs: ["explainRandomized"],
    measure: complexityRise,
  },
  sparseness: {
    text: "the Gini index of |R|",
    source: "Chalasani et al. 2020",
    better: "higher",
    needs: [],
    measure: async ({ source }) => sparseness(source.map),
  },
  complexity: {
    text: "the entropy of |R|, in nats",
    source: "Bhatt et al. 2020",
    better: "lower",
    needs: [],
    measure: async ({ source }) => complexity(source.map),
  },
  grid: {
    text: "share of the map's spectral energy at the frequencies of the network's strides",
    source: "relprop",
    better: "lower",
    needs: ["pixels", "strides"],
    measure: async ({ source, subject }) =>
      gridScore(source.map, gridOf(subject.layout), subject.strides ?? []),
  },
  "pointing-game": {
    text: "whether the highest relevance lies on the object",
    source: "Zhang et al. 2018",
    better: "higher",
    needs: ["mask"],
    measure: async ({ source, subject }) => subject.mask && pointingGame(source.map, subject.mask),
  },
  "relevance-mass": {
    text: "the share of the positive relevance that lies on the object",
    source: "Arras et al. 2022",
    better: "higher",
    needs: ["mask"],
    measure: async ({ source, subject }) => subject.mask && relevanceMass(source.map, subject.mask),
  },
} as const satisfies Readonly<Record<string, Metric>>;

/** The name of a metric, one of {@link metricNames}. */
export type MetricName = keyof typeof table;
/** All metrics by their names. */
export const metrics: Readonly<Record<MetricName, Metric>> = table;
/** The names of all metrics. */
export const metricNames: readonly MetricName[] = Object.keys(table) as MetricName[];

/** @throws OptionError for a metric that does not exist */
export function checkMetrics(names: readonly MetricName[]): void {
  for (const name of names) {
    if (metricNames.includes(name)) continue;
    throw new OptionError({
      what: `there is no metric "${name}"`,
      why: `metrics are ${metricNames.join(", ")}`,
      ...suggestion(name, metricNames),
    });
  }
}
