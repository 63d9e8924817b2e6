/** The studio never shows one thing's answer under another's name, whatever is done in whatever order. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Answers, type Question } from "../../src/turns/answers.ts";
import { inTurn } from "@relprop/engine/in-turn";

/** Names of what an engine was really given, to be compared with what its answer is shown under. */
interface Explained {
  readonly model: string;
  readonly picture: string;
  readonly target: number;
  readonly strokes: number;
}

interface Asked extends Question {
  readonly engine: SlowEngine;
  readonly model: { readonly name: string };
  readonly picture: { readonly name: string };
  readonly asked: { readonly target: number };
  readonly moment: number;
}

/** One model at a time, one job at a time; each job ends when the test says so. */
class SlowEngine {
  model = "none";
  readonly #jobs: { readonly end: () => void; readonly fail: (error: Error) => void }[] = [];

  #job<T>(result: () => T, ifFailed: string): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ end: () => resolve(result()), fail: () => reject(new Error(ifFailed)) });
    });
  }

  load(name: string): Promise<{ readonly name: string }> {
    return this.#job(() => {
      this.model = name;
      return { name };
    }, `load ${name}`);
  }

  explain(picture: string, target: number, strokes: number): Promise<Explained> {
    const { model } = this;
    const explained = { model, picture, target, strokes };
    return this.#job(() => explained, JSON.stringify(explained));
  }

  /** Ends the job under way, well or not. */
  step(isWell: boolean): boolean {
    const job = this.#jobs.shift();
    if (isWell) job?.end();
    else job?.fail(new Error());
    return job !== undefined;
  }
}

/** What a session and a mode do around {@link Answers}. */
class World {
  engine = new SlowEngine();
  model: { readonly name: string } | undefined;
  opening = 0;
  picture = { name: "p0" };
  target = 0;
  strokes = 0;
  #opened = 0;
  #newest = 0;

  readonly answers: Answers<Asked, Explained> = new Answers<Asked, Explained>({
    wanted: () => this.wanted,
    run: async ({ picture, asked, moment }, inItsTurn) => {
      await Promise.resolve();
      return inItsTurn((engine) => engine.explain(picture.name, asked.target, moment));
    },
  });

  get wanted(): Asked | undefined {
    const { engine, model, picture, target, strokes } = this;
    if (!model || this.opening !== 0) return undefined;
    return { engine, model, picture, asked: { target }, moment: strokes };
  }

  open(): void {
    const name = `m${++this.#opened}`;
    const mine = ++this.#newest;
    const { engine } = this;
    this.opening = mine;
    const isNewest = (): boolean => mine === this.#newest;
    void inTurn(engine, async () => {
      if (!isNewest()) return;
      const model = await engine.load(name);
      if (engine === this.engine) this.model = model;
    })
      .catch(() => undefined)
      .finally(() => {
        if (isNewest()) this.opening = 0;
      });
  }

  /** Another engine, on which nothing is open yet; what runs on the old one ends by itself, or never. */
  changeEngine(): void {
    this.engine = new SlowEngine();
    this.model = undefined;
    this.open();
  }
}

/** Lets all that is not waiting for the engine happen. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function check({ answers, wanted, model, picture }: World): void {
  const { shown } = answers;
  if (shown) {
    expect(wanted).toBeDefined();
    expect(shown.answer).toMatchObject({ model: model?.name, picture: picture.name });
    expect(shown.answer).toMatchObject({
      target: shown.question.asked.target,
      strokes: shown.question.moment,
    });
  }
  if (answers.isCurrent) {
    expect(shown?.answer).toEqual({
      model: wanted?.model.name,
      picture: wanted?.picture.name,
      target: wanted?.asked.target,
      strokes: wanted?.moment,
    });
  }
  if (answers.isOfSettings) expect(shown?.answer.target).toBe(wanted?.asked.target);
  if (answers.problem !== undefined) {
    expect(JSON.parse(answers.problem)).toMatchObject({
      model: wanted?.model.name,
      picture: wanted?.picture.name,
      target: wanted?.asked.target,
    });
  }
  const states = [answers.isCurrent, answers.problem !== undefined, answers.isBusy].filter(Boolean);
  expect(states).toHaveLength(wanted ? 1 : 0);
}

const actions = {
  open: (world: World) => world.open(),
  picture: (world: World, n: number) => {
    world.picture = { name: `p${n}` };
  },
  target: (world: World, n: number) => {
    world.target = n % 3;
  },
  stroke: (world: World) => {
    world.strokes++;
  },
  again: (world: World) => world.answers.ask(),
  end: (world: World) => void world.engine.step(true),
  fail: (world: World) => void world.engine.step(false),
} as const;
type Action = keyof typeof actions;

const steps = fc.array(
  fc.tuple(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant<Action>("end") },
      { weight: 4, arbitrary: fc.constantFrom(...(Object.keys(actions) as Action[])) },
    ),
    fc.nat(9),
    fc.boolean(),
  ),
  { minLength: 5, maxLength: 60 },
);

/** A world with an open model, and one answer shown. */
async function begun(): Promise<World> {
  const world = new World();
  world.open();
  await settle();
  world.engine.step(true);
  await settle();
  world.answers.follow();
  await settle();
  world.engine.step(true);
  await settle();
  expect(world.answers.isCurrent).toBe(true);
  return world;
}

describe("answers", () => {
  test("stand under their own model, picture and settings, in every order of events", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const world = new World();
        world.open();
        for (const [action, n, isSettled] of sequence) {
          actions[action](world, n);
          check(world);
          world.answers.follow();
          check(world);
          if (isSettled) await settle();
          check(world);
        }
        // Whoever waits long enough gets the answer to what is wanted.
        let isIdle = false;
        while (!isIdle) {
          await settle();
          world.answers.follow();
          await settle();
          check(world);
          isIdle = !world.engine.step(true);
        }
        if (world.model) expect(world.answers.isCurrent || world.answers.problem !== undefined).toBe(true);
        world.answers.stop();
      }),
      { numRuns: 400 },
    );
  });

  test("of other settings stand as old ones; of another picture or model not at all", async () => {
    const world = await begun();
    world.target = 1;
    expect(world.answers.shown).toBeDefined();
    expect([world.answers.isCurrent, world.answers.isBusy]).toEqual([false, true]);
    world.picture = { name: "p0" };
    expect(world.answers.shown).toBeUndefined();
  });

  test("wait while a model is opened, and the old one stands again where that fails", async () => {
    const world = await begun();
    const { shown } = world.answers;
    world.open();
    expect(world.answers.shown).toBeUndefined();
    world.answers.follow();
    await settle();
    expect(world.engine.step(false)).toBe(true);
    await settle();
    world.answers.follow();
    expect(world.answers.shown).toBe(shown);
    await settle();
    // Nothing was asked again.
    expect(world.engine.step(true)).toBe(false);
  });

  test("that come late are dropped, and what is wanted by then is asked", async () => {
    const world = await begun();
    world.target = 1;
    world.answers.follow();
    await settle();
    world.target = 2;
    world.answers.follow();
    world.engine.step(true);
    await settle();
    expect(world.answers.shown?.answer.target).toBe(0);
    world.engine.step(true);
    await settle();
    expect(world.answers.shown?.answer.target).toBe(2);
    expect(world.answers.isCurrent).toBe(true);
  });

  test("that nobody wants when their turn comes are not even asked for", async () => {
    const world = await begun();
    // Another mode has the engine.
    void inTurn(world.engine, () => world.engine.explain("another", 9, 9));
    world.target = 1;
    world.answers.follow();
    await settle();
    world.target = 2;
    world.answers.follow();
    world.engine.step(true);
    await settle();
    world.engine.step(true);
    await settle();
    expect(world.answers.shown?.answer.target).toBe(2);
    expect(world.engine.step(true)).toBe(false);
  });

  test("of earlier strokes are a step towards the newest", async () => {
    const world = await begun();
    world.strokes = 1;
    world.answers.follow();
    await settle();
    world.strokes = 2;
    world.answers.follow();
    world.engine.step(true);
    await settle();
    expect(world.answers.shown?.answer.strokes).toBe(1);
    expect([world.answers.isOfSettings, world.answers.isBusy]).toEqual([true, true]);
  });

  test("that fail say so until something else is wanted, it is tried again, or it succeeds", async () => {
    const world = await begun();
    world.target = 1;
    world.answers.follow();
    await settle();
    world.engine.step(false);
    await settle();
    expect(world.answers.problem).toBeDefined();
    expect(world.answers.isBusy).toBe(false);
    world.target = 0;
    expect(world.answers.problem).toBeUndefined();
    expect(world.answers.isCurrent).toBe(true);
    world.target = 1;
    expect(world.answers.problem).toBeDefined();
    world.answers.ask();
    expect([world.answers.problem, world.answers.isBusy]).toEqual([undefined, true]);
    await settle();
    world.engine.step(true);
    await settle();
    expect(world.answers.isCurrent).toBe(true);
  });

  test("of an engine that was changed are dropped", async () => {
    const world = await begun();
    world.target = 1;
    world.answers.follow();
    await settle();
    const old = world.engine;
    world.changeEngine();
    expect(world.answers.shown).toBeUndefined();
    old.step(true);
    await settle();
    expect(world.answers.shown).toBeUndefined();
    world.engine.step(true);
    await settle();
    world.answers.follow();
    await settle();
    world.engine.step(true);
    await settle();
    expect(world.answers.shown?.answer).toMatchObject({ model: "m2", target: 1 });
  });
});
