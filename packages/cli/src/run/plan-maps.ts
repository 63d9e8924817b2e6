/** How many maps one pass of the network computes, and where their targets come from. */

import {
  OptionError,
  UnexplainableError,
  type CompileOptions,
  type MethodOptions,
  type OutputFacts,
} from "@relprop/core";
import { ranksInGraph } from "@relprop/core/internal";
import type { AnswerRequest } from "./answer-requests.ts";
import type { CompileDecision } from "./decide.ts";

/** What is asked of each sample. */
export interface AskedMaps {
  /** How many maps. */
  readonly count: number;
  /**
   * Where the targets come from: the graph ranks the classes itself, they are known before a run, or only the answer tells them.
   */
  readonly from: "ranks" | "request" | "channels" | "answer";
}

/** What was started, its options, and in words how several maps are computed; no words for a single one. */
export interface StartedMaps<Started> {
  readonly started: Started;
  readonly options: CompileOptions | MethodOptions;
  readonly settings: [name: string, value: string][];
}

/** At most so many maps of a sample come from one pass: their relevance is in memory together. */
const mostMaps = 8;
/** So many numbers of inputs at most have their relevance computed in one pass. */
const mostNumbers = 1 << 22;

/**
 * Reads from the requests of a run how many maps each sample gets.
 * @param channels how many channels of a layer are explained for each answer. @default the answers themselves are
 */
export function askedMaps(
  { requests = [], against, names: { facts } }: Pick<CompileDecision, "requests" | "against" | "names">,
  channels?: number,
): AskedMaps {
  const [only] = requests;
  const isBest = requests.length === 1 && only?.kind === "top";
  const classes = new Set(requests.flatMap((each) => (each.kind === "class" ? [each.index] : [])));
  const others = requests.reduce((sum, each) => sum + mapsOf(each, facts), 0);
  const count = classes.size + others;
  const isRanked = isBest && against === undefined && ranksInGraph(facts);
  // The graph takes the channels itself, for the target of each run.
  if (channels !== undefined)
    return { count: channels, from: isRanked && count === 1 ? "ranks" : "channels" };
  if (isRanked) return { count, from: "ranks" };
  return { count, from: requests.every((each) => isKnown(each, facts)) ? "request" : "answer" };
}

const mapsOf = (request: AnswerRequest, { kind }: OutputFacts): number => {
  if (request.kind === "class") return 0;
  return request.kind === "top" ? Math.min(request.count, kind === "binary" ? 2 : request.count) : 1;
};

/** Whether a request's weights are the same for all answers. Sizes that only a run tells may matter for all kinds. */
export function isKnown(request: AnswerRequest, { shape, batchAxis }: OutputFacts): boolean {
  if (shape.some((dim, axis) => typeof dim === "string" && axis !== batchAxis)) return false;
  const { kind } = request;
  return (
    kind === "class" ||
    kind === "elements" ||
    kind === "mask" ||
    (kind === "pixel" && request.index !== undefined)
  );
}

/**
 * Compiles and starts a model for as many maps a pass as are asked for and as it can compute together, else for one.
 * @param size of the explained input for one sample, in numbers
 * @param start compiles first, and throws an OptionError or UnexplainableError where several maps cannot be had
 */
export async function startForMaps<Started>(
  options: CompileOptions | MethodOptions,
  { count, from }: AskedMaps,
  size: number,
  start: (options: CompileOptions | MethodOptions) => Promise<Started>,
): Promise<StartedMaps<Started>> {
  const alone = async (why: string, own = options): Promise<StartedMaps<Started>> => ({
    started: await start(own),
    options: own,
    settings: count < 2 ? [] : [["maps", `${count}, a pass for each: ${why}`]],
  });
  if ("method" in options && options.method !== undefined)
    return alone(`${options.method} explains one at a time`);
  const own: CompileOptions = from === "ranks" ? { ...options, target: "top1" } : options;
  if (count < 2) return alone("", own);
  if (from === "answer") return alone("only the answer tells what is explained");
  const most = Math.max(1, Math.min(mostMaps, Math.floor(mostNumbers / size)));
  const passes = Math.ceil(count / most);
  const maps = Math.ceil(count / passes);
  // What the graph ranks itself cannot be shared out.
  if (maps === 1 || (from !== "request" && passes > 1)) return alone("the input is large");
  const several = { ...own, maps };
  try {
    const started = await start(several);
    const value = passes === 1 ? `${count} from one pass` : `${count} from ${passes} passes`;
    return { started, options: several, settings: [["maps", value]] };
  } catch (error) {
    if (error instanceof OptionError || error instanceof UnexplainableError) return alone(error.why);
    throw error;
  }
}

/** How many samples are explained at a time: their maps take no more memory than those of as many samples with one map. */
export const samplesForMaps = (batch: number, { maps }: { readonly maps: number }): number =>
  Math.max(1, Math.floor(batch / maps));
