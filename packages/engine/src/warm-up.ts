/** A first run when a model is opened: it creates the session and, on WebGPU, compiles the shaders. */

import { InputError, usualTarget, type OutputFacts } from "@relprop/core";
import type { ExplainRequest, LoadedModel, Target } from "./engine.ts";

/** The target of that run: the default, or the first element if a target must be named. */
export const firstTarget = (facts: OutputFacts): Target =>
  usualTarget(facts, false) === undefined
    ? { kind: "elements", text: facts.shape.map(() => 0).join(",") }
    : { kind: "prediction" };

/** The part of a runner that {@link warmUp} needs. */
interface Runner {
  readonly loaded: Pick<LoadedModel, "size" | "composite" | "facts">;
  explain(request: ExplainRequest): Promise<{ readonly milliseconds: number }>;
}

/**
 * Explains a gray picture.
 * @returns the duration of the run
 * @throws errors of the model; InputError is ignored, since an answer to gray that is not finite proves nothing
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
