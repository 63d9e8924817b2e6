/** A batch of images and the classes asked for -> relevance and scores, one explanation per image and class. */

import type { Compiled, Explainer, Explanation, FloatArray } from "relprop";
import { readableLabel, type ClassRequest } from "./choose-classes.ts";
import type { Score } from "./image-result.ts";
import type { RelevanceArray } from "./write-results.ts";

/** An explained class of an image. */
export interface ExplainedClass {
  readonly score: Score;
  readonly relevance: RelevanceArray;
}

/** What came of an image. */
export interface ExplainedImage {
  /** The five best classes. */
  readonly top: readonly Score[];
  /** One for each class asked for, each class once; one for the prediction as a whole if none was. */
  readonly classes: readonly ExplainedClass[];
}

/** Runs the network as often as classes are asked for. */
export async function explainBatch(
  explainer: Explainer,
  input: FloatArray,
  requests: readonly ClassRequest[] | undefined,
  labels: readonly string[],
): Promise<ExplainedImage[]> {
  const samples = Array.from({ length: input.dims[0] ?? 0 }, (_, sample) => sample);
  const { compiled } = explainer;
  const runs = requests ? await runRequests(explainer, input, requests) : [await wholeRun(explainer, input)];
  return samples.map((sample) => {
    const classes = new Map<number, ExplainedClass>();
    for (const { explanation, targets } of runs) {
      const index = targets[sample] ?? 0;
      const score = scoreOf(explanation, compiled, sample, index, labels);
      if (!classes.has(index))
        classes.set(index, { score, relevance: sampleOf(explanation.relevance, sample) });
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
): Promise<Run[]> {
  const runs: Run[] = [];
  const batch = input.dims[0] ?? 0;
  for (const request of requests) {
    if (request.kind === "class") {
      const targets = Array.from({ length: batch }, () => request.index);
      runs.push({ explanation: await explainer.explain(input, { target: request.index }), targets });
      continue;
    }
    const first = await wholeRun(explainer, input);
    runs.push(first);
    for (let rank = 1; rank < request.count; rank++) {
      const targets = first.explanation.top.map((ranked) => ranked[rank]?.index ?? 0);
      runs.push({ explanation: await explainer.explain(input, { target: targets }), targets });
    }
  }
  return runs;
}

function scoreOf(
  { top, outputs }: Explanation,
  { output, outputName }: Compiled,
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

const labelOf = (labels: readonly string[], index: number): string =>
  readableLabel(labels[index] ?? "") || `class ${index}`;

/** One sample of a batch, a view. */
function sampleOf({ data, dims }: FloatArray, sample: number): RelevanceArray {
  const inner = dims.slice(1);
  const size = inner.reduce((product, dim) => product * dim, 1);
  return { data: data.subarray(sample * size, (sample + 1) * size), dims: inner };
}
