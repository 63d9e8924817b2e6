/** An input's way through a run: read, put into a batch, explained, written. Each stage works ahead of the next. */

import { InputError, ModelFileError, RelpropError, type Explainer } from "@relprop/core";
import { inOrder } from "../sessions/in-order.ts";
import { Pool } from "../sessions/pool.ts";
import type { Explainers } from "../sessions/start-sessions.ts";

/** What is done with each input. InputError at any stage is the failure of that input alone, in `explain` of its batch. */
export interface Stages<Input, Ready, Found, Result> {
  /** Reads an input, or finds what came of it before. */
  readonly prepare: (input: Input) => Promise<{ readonly ready: Ready } | { readonly earlier: Result }>;
  /** Makes a batch ready, and gives what runs the network on it as soon as a session is free: one result an input. */
  readonly explain: (batch: readonly Ready[]) => (explainer: Explainer) => Promise<readonly Found[]>;
  readonly write: (ready: Ready, found: Found) => Promise<Result>;
}

/** What came of an input: one of the three. */
export interface Outcome<Input, Result> {
  readonly input: Input;
  readonly done?: Result;
  /** It was explained just so before. */
  readonly skipped?: Result;
  readonly error?: unknown;
}

interface Pending<Input, Ready> {
  readonly input: Input;
  readonly ready: Ready;
}

/** An input after the network, to be written. */
interface Explained<Input, Ready, Found> extends Pending<Input, Ready> {
  readonly found: Found;
}

/** How much goes on at a time. */
export interface Abreast {
  /** Inputs that are read, and inputs that are written, at a time beside the network. */
  readonly jobs: number;
  /** Inputs that the network runs on at a time. */
  readonly batch: number;
}

/**
 * How many inputs are read and not written at most: `jobs` being read and `jobs` being written, a batch each being
 * filled, explained in each session, waiting for one and handed on, and the one that is reported.
 */
export const mostAlive = ({ jobs, batch, sessions }: Abreast & { readonly sessions: number }): number =>
  2 * jobs + (sessions + 3) * batch + 1;

/**
 * Takes inputs through all stages and gives what came of each, in their order. Reading goes on while the network runs,
 * and so does writing. However many inputs there are, at most {@link mostAlive} of them are in memory.
 * @param interrupted asked between inputs and between batches; true ends the run after what the network has begun
 * @throws what ends the whole run: ModelFileError if the model can't be run
 */
export async function* throughStages<Input, Ready, Found, Result>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  { prepare, explain, write }: Stages<Input, Ready, Found, Result>,
  { explainers, jobs, batch }: Abreast & { readonly explainers: Explainers },
  interrupted: () => boolean,
): AsyncGenerator<Outcome<Input, Result>, void, undefined> {
  type Out = Outcome<Input, Result>;
  const read = inOrder(
    until(inputs, interrupted),
    jobs,
    async (input): Promise<Pending<Input, Ready> | Out> => {
      try {
        const prepared = await prepare(input);
        return "ready" in prepared ? { input, ready: prepared.ready } : { input, skipped: prepared.earlier };
      } catch (error) {
        return { input, error };
      }
    },
  );
  const sessions = new Pool(explainers);
  // One batch more is made ready, for the session that is free next.
  const explained = inOrder(inGroups(read, batch), explainers.length + 1, async (group) => {
    const pending = group.flatMap((each) => ("ready" in each ? [each.ready] : []));
    if (pending.length === 0) return group.flatMap((each) => ("ready" in each ? [] : [each]));
    const run = explain(pending);
    return sessions.use(async (explainer) => {
      if (interrupted()) return [];
      const found = await run(explainer).catch((error: unknown) => failureOf(error, batch));
      let next = 0;
      return group.map((each): Explained<Input, Ready, Found> | Out => {
        if (!("ready" in each)) return each;
        if (found instanceof InputError) return { input: each.input, error: found };
        return { ...each, found: found[next++] as Found };
      });
    });
  });
  yield* inOrder(oneByOne(explained), jobs, async (each): Promise<Out> => {
    if (!("found" in each)) return each;
    const { input, ready, found } = each;
    try {
      return { input, done: await write(ready, found) };
    } catch (error) {
      return { input, error };
    }
  });
}

/** Why a batch has no results. @throws what ends the run */
function failureOf(error: unknown, batch: number): InputError {
  if (error instanceof InputError) return error;
  if (error instanceof RelpropError) throw error;
  const why = error instanceof Error ? error.message : String(error);
  const fix = batch > 1 ? { fix: "try a smaller batch (-b 1)" } : {};
  throw new ModelFileError({ what: "cannot run the model", why, ...fix }, { cause: error });
}

async function* until<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  isOver: () => boolean,
): AsyncGenerator<Item> {
  for await (const item of items) {
    if (isOver()) return;
    yield item;
  }
}

async function* oneByOne<Item>(groups: AsyncIterable<readonly Item[]>): AsyncGenerator<Item> {
  for await (const group of groups) yield* group;
}

/** Fills batches. What needs no network waits only where an input before it does. */
async function* inGroups<Each extends object>(
  read: AsyncIterable<Each>,
  batch: number,
): AsyncGenerator<readonly Each[]> {
  let group: Each[] = [];
  let needing = 0;
  for await (const each of read) {
    group.push(each);
    if ("ready" in each) needing++;
    if (needing > 0 && needing < batch) continue;
    yield group;
    group = [];
    needing = 0;
  }
  if (group.length > 0) yield group;
}
