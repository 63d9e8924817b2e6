/** A batch of images and the classes asked for -> relevance and scores, one explanation per image and class. */

import {
  OptionError,
  ratherThanTarget,
  type CompiledFacts,
  type Explainer,
  type Explanation,
  type FloatArray,
  type Ledger,
} from "relprop";
import { readableLabel, type ClassRequest } from "./choose-classes.ts";
import type { Score } from "./image-result.ts";
import type { RelevanceArray } from "./write-results.ts";

/** An explained class of an image. */
export interface ExplainedClass {
  readonly score: Score;
  readonly relevance: RelevanceArray;
  /** The class that this one was told apart from. */
  readonly against?: { readonly index: number; readonly label: string };
  /** Where its relevance stayed, if account was kept. */
  readonly ledger?: Ledger;
}

/** What came of an image. */
export interface ExplainedImage {
  /** The five best classes. */
  readonly top: readonly Score[];
  /** One for each class asked for, each class once; one for the prediction as a whole if none was. */
  readonly classes: readonly ExplainedClass[];
}

/**
 * Runs the network as often as classes are asked for.
 * @param against explains each class rather than this one; an image has no explanation of this class itself.
 */
export async function explainBatch(
  explainer: Explainer,
  input: FloatArray,
  requests: readonly ClassRequest[] | undefined,
  labels: readonly string[],
  against?: number,
): Promise<ExplainedImage[]> {
  const samples = Array.from({ length: input.dims[0] ?? 0 }, (_, sample) => sample);
  const { compiled } = explainer;
  const runs = requests
    ? await runRequests(explainer, input, requests, against)
    : [await wholeRun(explainer, input)];
  const other = against === undefined ? {} : { against: { index: against, label: labelOf(labels, against) } };
  return samples.map((sample) => {
    const classes = new Map<number, ExplainedClass>();
    for (const { explanation, targets } of runs) {
      const index = targets[sample] ?? 0;
      if (classes.has(index) || index === against) continue;
      const score = scoreOf(explanation, compiled, sample, index, labels);
      const ledger = explanation.ledgers?.[sample];
      classes.set(index, {
        score,
        relevance: sampleOf(explanation.relevance, sample),
        ...other,
        ...(ledger && { ledger }),
      });
    }
    const ranked = runs[0]?.explanation.top[sample] ?? [];
    const top = ranked.map(({ index, logit, probability }) => ({
      index,
      label: labelOf(labels, index),
      logit,
      p: probability,
    }));
    return { top, classes: [...classes.values()] };
  });
}

/** One run, and the class it explained in each sample. */
interface Run {
  readonly explanation: Explanation;
  readonly targets: readonly number[];
}

async function wholeRun(explainer: Explainer, input: FloatArray): Promise<Run> {
  const explanation = await explainer.explain(input);
  return { explanation, targets: explanation.top.map((ranked) => ranked[0]?.index ?? 0) };
}

async function runRequests(
  explainer: Explainer,
  input: FloatArray,
  requests: readonly ClassRequest[],
  against: number | undefined,
): Promise<Run[]> {
  const runs: Run[] = [];
  const batch = input.dims[0] ?? 0;
  const runFor = async (targets: readonly number[]): Promise<Run> => {
    const target = against === undefined ? targets : differences(explainer.compiled, targets, against);
    return { explanation: await explainer.explain(input, { target }), targets };
  };
  for (const request of requests) {
    if (request.kind === "class") {
      runs.push(await runFor(Array.from({ length: batch }, () => request.index)));
      continue;
    }
    const first = await wholeRun(explainer, input);
    runs.push(against === undefined ? first : await runFor(first.targets));
    for (let rank = 1; rank < request.count; rank++)
      runs.push(await runFor(first.explanation.top.map((ranked) => ranked[rank]?.index ?? 0)));
  }
  return runs;
}

/** Targets that explain each sample's class rather than another, [N, classes]; zeros for that class itself. */
function differences({ output }: CompiledFacts, targets: readonly number[], against: number): FloatArray {
  const classes = output.shape.at(-1);
  if (typeof classes !== "number" || output.shape.length !== 2) {
    throw new OptionError({
      what: "cannot use --against",
      where: `output "${output.name}", [${output.shape.join(", ")}]`,
      why: "it is no list of classes of known length",
      fix: "leave --against out, or explain another output (--output)",
    });
  }
  const data = new Float32Array(targets.length * classes);
  for (const [sample, index] of targets.entries()) {
    if (index !== against) data.set(ratherThanTarget(classes, index, against).data, sample * classes);
  }
  return { data, dims: [targets.length, classes] };
}

/** The classes that are asked for of one sample, each once. Runs the network once. */
export async function classesOf(
  explainer: Explainer,
  input: FloatArray,
  requests: readonly ClassRequest[],
  labels: readonly string[],
): Promise<Score[]> {
  // The class does not matter: scores are the same whatever is explained.
  const explanation = await explainer.explain(input, { target: 0 });
  const ranked = (explanation.top[0] ?? []).map(({ index }) => index);
  const indices = requests.flatMap((request) =>
    request.kind === "class" ? [request.index] : ranked.slice(0, request.count),
  );
  return [...new Set(indices)].map((index) => scoreOf(explanation, explainer.compiled, 0, index, labels));
}

function scoreOf(
  { top, outputs }: Explanation,
  { output, outputName }: CompiledFacts,
  sample: number,
  index: number,
  labels: readonly string[],
): Score {
  const label = labelOf(labels, index);
  const ranked = top[sample] ?? [];
  const known = ranked.find((each) => each.index === index);
  if (known) return { index, label, logit: known.logit, p: known.probability };
  const best = ranked[0];
  const values = outputs[outputName];
  const value = values && sampleOf(values, sample).data[index];
  if (value === undefined || !best) return { index, label, logit: Number.NaN, p: Number.NaN };
  // The explained tensor holds logits; a model that ends in a softmax outputs probabilities. One gives the other,
  // by way of the best class, of which both are known: p/p₀ = exp(logit − logit₀).
  return output.name === outputName
    ? { index, label, logit: value, p: best.probability * Math.exp(value - best.logit) }
    : { index, label, logit: best.logit + Math.log(value / best.probability), p: value };
}

/** What a class is called. */
export const labelOf = (labels: readonly string[], index: number): string =>
  readableLabel(labels[index] ?? "") || `class ${index}`;

/** One sample of a batch, a view. */
function sampleOf({ data, dims }: FloatArray, sample: number): RelevanceArray {
  const inner = dims.slice(1);
  const size = inner.reduce((product, dim) => product * dim, 1);
  return { data: data.subarray(sample * size, (sample + 1) * size), dims: inner };
}
