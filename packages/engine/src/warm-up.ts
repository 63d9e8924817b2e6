/** A first run, before anybody waits for one: it makes the session, and on WebGPU the shaders. */

import { InputError, usualTarget, type OutputFacts } from "@relprop/core";
import type { ExplainRequest, LoadedModel, Target } from "./engine.ts";

/** What is explained then: what is usual, or the first element where something has to be named. */
export const firstTarget = (facts: OutputFacts): Target =>
  usualTarget(facts, false) === undefined
    ? { kind: "elements", text: facts.shape.map(() => 0).join(",") }
    : { kind: "prediction" };

/** What runs it. */
interface Runner {
  readonly loaded: Pick<LoadedModel, "size" | "composite" | "facts">;
  explain(request: ExplainRequest): Promise<{ readonly milliseconds: number }>;
}

/**
 * Explains a gray picture.
 * @returns how long the run took
 * @throws what the model cannot do; an answer to gray that is no number is no fault of the model's
 */
export async function warmUp(runner: Runner): Promise<number> {
  const { size, composite, facts } = runner.loaded;
  const [height, width] = size;
  const picture = { data: new Uint8ClampedArray(4 * height * width).fill(128), width, height };
  const begin = performance.now();
  try {
    return (await runner.explain({ picture, composite, target: firstTarget(facts), keep: 0 })).milliseconds;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return performance.now() - begin;
  }
}
