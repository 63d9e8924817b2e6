/** Windows of a sound in words and records. */

import { InputError, RelpropError } from "@relprop/core";
import type { ExplainedAnswer } from "../run/explain-batch.ts";
import { seconds, type SoundPlan } from "./sound-plan.ts";
import type { WindowPlace } from "./sound-windows.ts";
import { windowSums } from "./window-sums.ts";

/** `1.5–2.5 s` */
export const windowTime = ({ start, end }: WindowPlace, { rate }: SoundPlan): string =>
  `${Number((start / rate).toFixed(3))}–${seconds(end / rate)}`;

/** A window in an answer's record: its time in seconds, and what stands behind the end of the sound. */
export function windowPlace(
  window: WindowPlace,
  plan: SoundPlan,
): (answer: ExplainedAnswer) => Readonly<Record<string, number | object>> {
  const { rate, input } = plan;
  const { start, end, padded } = window;
  return ({ relevances }) => {
    const relevance = relevances[input.name];
    const padding = relevance && padded > 0 && windowSums(relevance, window, plan).padding;
    return {
      from: start / rate,
      to: end / rate,
      ...(padding !== undefined &&
        padding !== false && { padding: { seconds: padded / rate, relevance: padding } }),
    };
  };
}

/** Why a sound of any length could not be explained, where the model's answer is that of ONNX Runtime. */
export function sampleFailure(path: string, dims: readonly number[], error: unknown): unknown {
  if (error instanceof RelpropError) return error;
  const why = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
  return new InputError({
    what: `cannot explain "${path}"`,
    why: `the model fails on [${dims.join(", ")}]: ${why}`,
    fix: "if it is too short for the model, say how long a window is, with --window SECONDS",
  });
}
