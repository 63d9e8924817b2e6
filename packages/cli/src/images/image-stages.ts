/** An image's way through a run: read, put into a batch, explained, written. Each stage works ahead of the next. */

import { readFile } from "node:fs/promises";
import {
  InputError,
  ModelFileError,
  RelpropError,
  version,
  type Explainer,
  type FloatArray,
} from "@relprop/core";
import { preprocess } from "@relprop/core/preprocess";
import { explainBatch, type ExplainedImage } from "./explain-batch.ts";
import type { Pending, Run } from "./image-run.ts";
import type { ImageResult } from "./image-result.ts";
import { inOrder } from "../sessions/in-order.ts";
import { Pool } from "../sessions/pool.ts";
import { readImage, type ImageFile } from "../files/read-images.ts";
import { knownFiles } from "./result-names.ts";
import { resultHash } from "../files/manifest.ts";
import { writeImage } from "./write-image.ts";

/** What came of an image: one of the three. */
export interface Outcome {
  readonly image: ImageFile;
  readonly done?: { readonly hash: string; readonly result: ImageResult };
  /** It was explained just so before. */
  readonly skipped?: ImageResult;
  readonly error?: unknown;
}

/** An image after the network, to be coloured and written. */
interface Explained {
  readonly pending: Pending;
  readonly explained: ExplainedImage;
  readonly ms: number;
}

/** Images in their order: up to a batch that need the network, and those between them that don't. */
type Group<Needing> = readonly (Needing | Outcome)[];

/**
 * How many images are read and not written at most: `jobs` being read and `jobs` being written, a batch each being
 * filled, explained in each session, waiting for one and handed on, and the one that is reported.
 */
export const mostAlive = ({ jobs, batch, sessions }: Record<"jobs" | "batch" | "sessions", number>): number =>
  2 * jobs + (sessions + 3) * batch + 1;

/**
 * Takes images through all stages and gives what came of each, in their order. Reading goes on while the network runs,
 * and so does colouring and writing. However many images there are, at most {@link mostAlive} of them are in memory.
 * @param interrupted asked between images and between batches; true ends the run after what the network has begun
 * @throws what ends the whole run: ModelFileError if the model can't be run
 */
export async function* throughStages(
  run: Run,
  images: readonly ImageFile[],
  interrupted: () => boolean,
): AsyncGenerator<Outcome, void, undefined> {
  const { jobs, batch } = run.options;
  const read = inOrder(until(images, interrupted), jobs, (image) => prepare(run, image));
  const sessions = new Pool(run.explainers);
  // One batch more is made ready, for the session that is free next.
  const explained = inOrder(inGroups(read, batch), run.explainers.length + 1, async (group) => {
    const pictures = group.filter(isPending).map(({ picture }) => picture);
    if (pictures.length === 0) return group.filter(isOutcome);
    const input = preprocess(pictures, run.loaded.card.input);
    return sessions.use(async (explainer) => (interrupted() ? [] : explain(run, explainer, group, input)));
  });
  yield* inOrder(oneByOne(explained), jobs, async (each) => ("pending" in each ? write(run, each) : each));
}

function* until<Item>(items: Iterable<Item>, isOver: () => boolean): Generator<Item> {
  for (const item of items) {
    if (isOver()) return;
    yield item;
  }
}

async function* oneByOne<Item>(groups: AsyncIterable<readonly Item[]>): AsyncGenerator<Item> {
  for await (const group of groups) yield* group;
}

/** Reads an image, or finds that it was explained just so before. */
async function prepare(run: Run, image: ImageFile): Promise<Pending | Outcome> {
  try {
    const { options, loaded } = run;
    const bytes = await readFile(image.path).catch((error: unknown) => {
      throw new InputError({
        what: `cannot read "${image.path}"`,
        why: error instanceof Error ? error.message : String(error),
      });
    });
    const hash = resultHash(bytes, {
      version,
      model: loaded.id,
      card: loaded.card,
      settings: run.explainers[0].compiled.settings,
      requests: run.decision.requests,
      against: run.decision.against,
      facts: run.decision.names.facts,
      detection: options.detection,
      method: options.method,
      ledger: options.compile.ledger,
      coloring: run.coloring,
      styles: options.styles,
      extras: options.extras,
      theme: options.theme,
    });
    const skipped = options.force ? undefined : await run.manifest.done(image.key, hash);
    if (skipped) return { image, skipped };
    await run.writer.check(knownFiles(run, image.key));
    return { ...image, hash, picture: await readImage(image.path, bytes, loaded.card.input) };
  } catch (error) {
    return { image, error };
  }
}

const isOutcome = (each: object): each is Outcome => "image" in each;
const isPending = (each: Pending | Outcome): each is Pending => !isOutcome(each);

/** Fills batches. What needs no network waits only where an image before it does. */
async function* inGroups(
  read: AsyncIterable<Pending | Outcome>,
  batch: number,
): AsyncGenerator<Group<Pending>> {
  let group: (Pending | Outcome)[] = [];
  let needing = 0;
  for await (const each of read) {
    group.push(each);
    if (isPending(each)) needing++;
    if (needing > 0 && needing < batch) continue;
    yield group;
    group = [];
    needing = 0;
  }
  if (group.length > 0) yield group;
}

/** Runs the network on a group, and gives its images with their explanations. */
async function explain(
  run: Run,
  explainer: Explainer,
  group: Group<Pending>,
  input: FloatArray,
): Promise<Group<Explained>> {
  const { requests, against, names } = run.decision;
  const { size } = run.loaded.card.input;
  const plan = { requests, against, names, size, detection: run.options.detection ?? {} };
  const start = performance.now();
  const explained = await explainBatch(explainer, input, plan).catch((error: unknown) => {
    if (error instanceof RelpropError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new ModelFileError(
      { what: "cannot run the model", why, fix: "try a smaller batch (-b 1)" },
      { cause: error },
    );
  });
  const ms = Math.round((performance.now() - start) / explained.length);
  let sample = 0;
  return group.map((each) => {
    if (isOutcome(each)) return each;
    return { pending: each, explained: explained[sample++] ?? { top: [], answers: [] }, ms };
  });
}

async function write(run: Run, { pending, explained, ms }: Explained): Promise<Outcome> {
  const { path, key, hash } = pending;
  const image = { path, key };
  try {
    return { image, done: { hash, result: await writeImage(run, pending, explained, ms) } };
  } catch (error) {
    return { image, error };
  }
}
