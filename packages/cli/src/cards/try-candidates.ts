/** A photo in all ways that a network may take it, and what the network makes of each. */

import { AnswerSession, answersOf, readAnswer, type CompileOptions, type RankedClass } from "@relprop/core";
import {
  answerName,
  channelCount,
  doubtOfPicture,
  firstNorm,
  fittingLabels,
  geometryCandidates,
  pixelCandidates,
  rankCandidates,
  seenByNorm,
  type Candidate,
  type Tried,
} from "@relprop/core/internal";
import type { Pixels } from "@relprop/core/heatmap";
import { concatChunks, writeModel } from "@relprop/core/onnx";
import { preprocess } from "@relprop/core/preprocess";
import { readBytes, readImage } from "../files/read-images.ts";
import { cardOptions } from "../models/card-options.ts";
import type { LoadedModel } from "../models/load-model.ts";
import type { FileRuntime } from "../sessions/optimized-cache.ts";

/** A candidate, what the network sees, and what it answers. */
export interface TriedPicture extends Tried {
  /** The input's channels as red, green and blue, so that those of BGR are seen swapped. */
  readonly pixels: Pixels;
  /** The best classes in words: `Egyptian cat 0.754`. */
  readonly answers: readonly string[];
}

/** All candidates, in the order that they are numbered in. */
export interface TriedModel {
  readonly all: readonly TriedPicture[];
  /** Whether a batch-norm told the range of inputs. */
  readonly hasNorm: boolean;
}

const shownAnswers = 3;

/**
 * Tries the usual ways to make numbers of pixels, ranks them, and tries other geometries with the numbers of the best.
 * These follow after all others: a photo's confidence does not tell how the training's pictures were cropped.
 * @throws RelpropError if the photo cannot be read or the model cannot be run
 */
export async function tryCandidates(
  { model, card }: LoadedModel,
  photo: string,
  runtime: FileRuntime,
): Promise<TriedModel> {
  const { initializers, inputs } = model.graph;
  const picture = inputs.find(({ name, shape }) => shape.length === 4 && !initializers.has(name));
  const found = picture?.dataType === "float32" ? firstNorm(model, picture.name) : undefined;
  const sessionOptions = { logSeverityLevel: 3 as const };
  const norm = found && {
    ...found,
    session: await runtime.InferenceSession.create(
      concatChunks(writeModel(found.model).chunks),
      sessionOptions,
    ),
  };
  const options: CompileOptions = {
    size: card.input.size,
    ...cardOptions(card, model.graph, {}),
    composite: "gradient",
    seed: "logit",
    fallback: "gradient",
  };
  const { facts } = readAnswer(model, options);
  const session = new AnswerSession({ ...options, ort: runtime, sessionOptions, model });
  const bytes = await readBytes(photo);
  const tryOne = async (candidate: Candidate): Promise<TriedPicture> => {
    const { input } = candidate;
    const pixels = await readImage(photo, bytes, input);
    const tensor = preprocess([pixels], input);
    const source = await session.answer(tensor);
    const ranked = answersOf(source, 0);
    const labels = fittingLabels(facts, card.labels, ranked.length) ?? [];
    const nameOf = (index: number): string => answerName({ facts, labels, count: ranked.length }, index);
    const confidence = ranked[0]?.probability;
    const margin = marginOf(ranked);
    const given =
      norm &&
      picture &&
      (await norm.session.run({ [picture.name]: new runtime.Tensor("float32", tensor.data, tensor.dims) }));
    const [seen] = Object.values(given ?? {});
    return {
      ...candidate,
      pixels: shown(pixels, input.channels),
      answers: ranked.slice(0, shownAnswers).map((each) => answerText(nameOf(each.index), each)),
      isConstant:
        doubtOfPicture(tensor.data, channelCount(input.channels), input.layout === "NHWC") !== undefined,
      ...(norm && seen?.data instanceof Float32Array && { seen: seenByNorm(norm, seen.data, seen.dims) }),
      ...(confidence !== undefined && { confidence }),
      ...(margin !== undefined && { margin }),
    };
  };
  const inTurn = async (candidates: readonly Candidate[]): Promise<TriedPicture[]> => {
    const tried: TriedPicture[] = [];
    for (const candidate of candidates) tried.push(await tryOne(candidate));
    return tried;
  };
  try {
    const ranked = rankCandidates(await inTurn(pixelCandidates(card.input)));
    const others = ranked[0] ? await inTurn(geometryCandidates(ranked[0])) : [];
    return { all: [...ranked, ...others], hasNorm: norm !== undefined };
  } finally {
    await session.dispose();
    await norm?.session.release();
  }
}

/** How far the best logit lies above the mean. */
function marginOf(ranked: readonly RankedClass[]): number | undefined {
  const logits = ranked.map(({ logit }) => logit).filter((logit) => logit !== undefined);
  if (logits.length < 2) return undefined;
  return Math.max(...logits) - logits.reduce((sum, logit) => sum + logit, 0) / logits.length;
}

const answerText = (name: string, { probability, value }: RankedClass): string =>
  `${name} ${probability?.toFixed(3) ?? Number((value ?? 0).toPrecision(4))}`;

/** Pixels with their colours in the order of the channels. */
function shown({ data, width, height }: Pixels, channels: Candidate["input"]["channels"]): Pixels {
  const out = Uint8ClampedArray.from(data);
  for (let at = 0; at < out.length; at += 4) {
    const [red = 0, green = 0, blue = 0] = data.subarray(at, at + 3);
    if (channels === "BGR") out.set([blue, green, red], at);
    else if (channels === "gray") out.fill(0.299 * red + 0.587 * green + 0.114 * blue, at, at + 3);
  }
  return { data: out, width, height };
}
