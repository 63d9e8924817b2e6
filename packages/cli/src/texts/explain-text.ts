/** One text and the classes to explain -> relevance of each token, one explanation per class. */

import {
  InputError,
  ModelFileError,
  RelpropError,
  type Explainer,
  type Explanation,
  type FloatArray,
  type RankedClass,
} from "@relprop/core";
import { eachMap, joinedMaps, requireFinite } from "@relprop/core/internal";
import type { ClassRequest } from "../run/choose-classes.ts";
import { ledgerResult } from "../run/ledger-record.ts";
import { excerpt } from "./plain-text.ts";
import { scoreOf, type Score } from "../run/score.ts";
import { answersAt, choosePositions, lengthTarget, noTarget, targetAt, type Place } from "./text-answer.ts";
import type { TextFeed } from "./text-feeds.ts";
import { namesOf, readRequests } from "./text-requests.ts";
import type { TextResult } from "./text-result.ts";
import type { TextSession } from "./text-session.ts";
import type { Tokenized } from "./tokenize.ts";

/** The number of best classes that are listed. */
const best = 5;

/**
 * Explains a text, each class once; or the words that the model writes behind it, each from what stands before it.
 * @throws InputError if this text cannot be explained; OptionError if no text can be explained with these options
 */
export async function explainText(
  session: TextSession,
  explainer: Explainer,
  input: string,
  pair?: string,
): Promise<TextResult[]> {
  const { tokenizer, feeder, generate, ends } = session;
  let text = tokenizer.encode(input, pair);
  if (generate === undefined) return explainTokens(session, explainer, text, { input, pair });
  const results: TextResult[] = [];
  for (let step = 0; step < generate; step++) {
    const [result] = await explainTokens(session, explainer, text, { input, pair });
    if (!result) break;
    results.push({ ...result, generated: step });
    if (ends.includes(result.class) || text.tokens.length >= feeder.most) break;
    text = tokenizer.extend(text, result.class);
  }
  return results;
}

/** Explains a text that is tokens already. */
async function explainTokens(
  session: TextSession,
  explainer: Explainer,
  text: Tokenized,
  { input, pair }: { readonly input: string; readonly pair: string | undefined },
): Promise<TextResult[]> {
  const start = performance.now();
  const { tokenizer, feeder, answer, positions: asked, unit } = session;
  checkIds(session, text);
  const feed = feeder.feed(input, text);
  const chosenPositions = choosePositions(answer, text, asked, tokenizer.mask, input);
  const place: Place = {
    answer,
    positions: answer.kind === "places" ? [] : chosenPositions,
    length: feed.length,
    tokens: text.tokens.length,
  };
  const name = namesOf(session, text);
  const requests = readRequests(session, text, place, answer.kind === "places" ? chosenPositions : []);
  const { isWhole } = session.decision;
  const { compiled } = explainer;
  const isRanked = isWhole || compiled.settings.target === "top1";
  const pass = async (targets: readonly FloatArray[] | undefined): Promise<Explanation[]> => {
    const { facts, maps } = compiled;
    const target = targets && joinedMaps(targets, facts.batchAxis ?? 0, maps);
    return eachMap(await run(explainer, feed, place, target), compiled);
  };
  const known = isRanked ? [] : indicesOf(requests.classes, [], requests.against).slice(0, compiled.maps);
  const opening = known.map((index) => targetAt(place, index, requests.against));
  const maps = await pass(isRanked ? undefined : opening.length > 0 ? opening : [noTarget(place)]);
  const [first] = maps as [Explanation];
  requireFinite(first.explained.data, "answer");
  const ranked = answersAt(first, compiled, place);
  const names = { facts: answer.facts, labels: session.labels, count: answer.count, unit };
  const labelled = (numbers: RankedClass): Score => scoreOf(names, numbers, name(numbers.index));
  const top = ranked.slice(0, best).map(labelled);
  const chosen = indicesOf(requests.classes, ranked, requests.against);
  if (chosen.length === 0) {
    throw new InputError({
      what: `cannot explain the text ${excerpt(input)}`,
      why: `its best class is the one that --against names, "${top[0]?.label}"`,
      fix: "name the class to explain with --class",
    });
  }
  const explanations = new Map((isRanked ? chosen : known).map((index, map) => [index, maps[map]]));
  const waiting = chosen.filter((index) => !explanations.has(index));
  for (let next = 0; next < waiting.length; next += compiled.maps) {
    const group = waiting.slice(next, next + compiled.maps);
    const targetOf = (index: number): FloatArray =>
      answer.kind === "embedding" ? lengthTarget(place, first) : targetAt(place, index, requests.against);
    const made = await pass(group.map(targetOf));
    for (const [map, index] of group.entries()) explanations.set(index, made[map]);
  }
  const results: TextResult[] = [];
  for (const index of chosen) {
    const explanation = explanations.get(index) as Explanation;
    requireFinite(explanation.relevance.data, "relevance");
    const { index: _index, ...rest } = labelled(ranked.find((each) => each.index === index) as RankedClass);
    const [position, ...more] = place.positions;
    results.push({
      v: 2,
      input,
      ...(pair !== undefined && { pair }),
      answer: answerWord(session),
      class: index,
      ...rest,
      ...(position !== undefined && more.length === 0 && { position }),
      ...(more.length > 0 && { positions: [...place.positions] }),
      ...(requests.against !== undefined && {
        against: { index: requests.against, label: name(requests.against) },
      }),
      start: explanation.start[0] ?? 0,
      ...relevanceOf(explanation, text, feed),
      ...(explanation.ledgers?.[0] && { ledger: ledgerResult(explanation.ledgers[0]) }),
      top,
      ms: Math.round(performance.now() - start),
    });
  }
  return results;
}

/** Masked language models predict the masked word, others the next one. */
const answerWord = ({ answer: { kind }, tokenizer }: TextSession): TextResult["answer"] =>
  (
    {
      classes: "class",
      places: "place",
      labels: "label",
      words: tokenizer.mask ? "word" : "next word",
      embedding: "embedding",
    } as const
  )[kind];

/** @throws OptionError if an id lies outside the model's table of vectors */
function checkIds({ decision, tokenizer }: TextSession, { tokens }: Tokenized): void {
  const { rows } = decision.embedding;
  const strange = tokens.find(({ id }) => id >= rows);
  if (!strange) return;
  throw new ModelFileError({
    what: `the tokenizer "${tokenizer.path}" does not fit the model`,
    why: `it makes the token ${strange.id} of "${strange.text}", and the model's table has the rows 0 to ${rows - 1}`,
    fix: "give the tokenizer.json that came with the model (--tokenizer FILE)",
  });
}

/** Indices of the classes without duplicates, and without the class that they are compared to. */
function indicesOf(
  classes: readonly ClassRequest[],
  ranked: readonly RankedClass[],
  against: number | undefined,
): number[] {
  const indices = classes.flatMap((request) =>
    request.kind === "class" ? [request.index] : ranked.slice(0, request.count).map(({ index }) => index),
  );
  return [...new Set(indices)].filter((index) => index !== against);
}

/** Runs the model. @param target undefined if relevance starts at the softmax */
async function run(
  explainer: Explainer,
  { ids, others }: TextFeed,
  place: Place,
  target: FloatArray | undefined,
): Promise<Explanation> {
  try {
    return await explainer.explain(ids, { ...(target && { target }), others });
  } catch (error) {
    if (!(error instanceof Error) || error instanceof RelpropError) throw error;
    throw new InputError(
      {
        what: `cannot run the model on a text of ${place.tokens} tokens`,
        why: error.message.split("\n")[0] ?? "",
        fix: "try a shorter text, if this one is longer than the model's position table",
      },
      { cause: error },
    );
  }
}

/** Relevance of the text's tokens, and of its padding. */
function relevanceOf(
  { relevance }: Explanation,
  { tokens }: Tokenized,
  { length }: TextFeed,
): Pick<TextResult, "tokens" | "padding"> {
  const padding = length - tokens.length;
  const filling = relevance.data.subarray(tokens.length, length).reduce((sum, R) => sum + R, 0);
  return {
    tokens: tokens.map((token, i) => ({ ...token, relevance: relevance.data[i] ?? 0 })),
    ...(padding > 0 && { padding: { tokens: padding, relevance: filling } }),
  };
}
