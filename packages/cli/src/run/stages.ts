/** The stages of an input: read, put into a batch, explained, written. Each stage works ahead of the next. */

import { InputError, ModelFileError, RelpropError, type Explainer } from "@relprop/core";
import { inOrder } from "../sessions/in-order.ts";
import { Pool } from "../sessions/pool.ts";

/** What explains, one batch each at a time. */
export type Sessions<Session> = readonly [Session, ...Session[]];

/** The work of each stage. An InputError fails its input alone, or in `explain` its batch. */
export interface Stages<Input, Ready, Found, Result, Session = Explainer> {
  /** Reads an input, or finds its earlier result. */
  readonly prepare: (input: Input) => Promise<{ readonly ready: Ready } | { readonly earlier: Result }>;
  /** Prepares a batch; returns the job that runs the network on a free session, with one result per input. */
  readonly explain: (batch: readonly Ready[]) => (session: Session) => Promise<readonly Found[]>;
  readonly write: (ready: Ready, found: Found) => Promise<Result>;
}

/** The outcome of an input, one of three. */
export interface Outcome<Input, Result> {
  readonly input: Input;
  readonly done?: Result;
  /** An earlier result that is still valid. */
  readonly skipped?: Result;
  readonly error?: unknown;
}

interface Pending<Input, Ready> {
  readonly input: Input;
  readonly ready: Ready;
}

/** An input after the network's run, not yet written. */
interface Explained<Input, Ready, Found> extends Pending<Input, Ready> {
  readonly found: Found;
}

/** Limits of parallel work. */
export interface ParallelLimits {
  /** Inputs that are read, and inputs that are written, at a time. */
  readonly jobs: number;
  /** Inputs per run of the network. */
  readonly batch: number;
}

/**
 * The maximum number of inputs in memory: `jobs` being read and `jobs` being written; one batch each being filled,
 * running in each session, waiting for a session and passed on; and the one being reported.
 */
export const maxInputsInMemory = ({
  jobs,
  batch,
  sessions,
}: ParallelLimits & { readonly sessions: number }): number => 2 * jobs + (sessions + 3) * batch + 1;

/**
 * Takes inputs through all stages; yields the outcomes in the order of the inputs. Reading and writing overlap with the
 * network's runs. At most {@link maxInputsInMemory} inputs are in memory at a time.
 * @param interrupted polled between inputs and between batches; true ends the run after the current work
 * @throws errors of the whole run: ModelFileError if the model cannot be run
 */
export async function* throughStages<Input, Ready, Found, Result, Session = Explainer>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  { prepare, explain, write }: Stages<Input, Ready, Found, Result, Session>,
  { explainers, jobs, batch }: ParallelLimits & { readonly explainers: Sessions<Session> },
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
  // One extra batch is prepared for the next free session.
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

/** Why a batch has no results. @throws errors that end the run */
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

/** Fills batches. Inputs with an earlier result wait only for inputs before them. */
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
