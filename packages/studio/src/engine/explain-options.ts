/** What the app asks for -> options of the library. */

import {
  OptionError,
  ratherThanTarget,
  type CompileOptions,
  type CompositeName,
  type RunOptions,
} from "relprop";
import type { Model } from "relprop/onnx";
import type { InputCard, ModelCard } from "relprop/zoo";
import type { ExplainRequest } from "./engine.ts";

/** How the model is compiled, whatever is explained; {@link seedOptions} has the rest. */
export function compileOptions(model: Model, { input }: ModelCard, composite: CompositeName): CompileOptions {
  const isOpen = pictureInput(model)
    .shape.slice(1)
    .some((dim) => typeof dim === "string");
  return {
    ...(isOpen ? { size: input.size } : {}),
    composite,
    reduce: "channels",
    ...(composite === "epsilon-gamma-box" ? pixelRange(input) : {}),
  };
}

/** What of the target and the filter is compiled in; what isn't is in {@link runOptions}. */
export const seedOptions = ({
  target,
  keep,
}: Pick<ExplainRequest, "target" | "keep">): Pick<CompileOptions, "seed" | "topK"> => ({
  seed: target.kind === "prediction" ? "softmax" : "logit",
  topK: keep > 0 ? "input" : 0,
});

/** What of the target and the filter is an input of the compiled graph. */
export function runOptions(
  { target, keep }: Pick<ExplainRequest, "target" | "keep">,
  classes: number,
): Pick<RunOptions, "target" | "keep"> {
  if (target.kind === "prediction") return { keep };
  const { index } = target;
  return { keep, target: target.kind === "class" ? index : ratherThanTarget(classes, index, target.against) };
}

/** The input that pictures are fed to. @throws OptionError if there is none [N, C, H, W] or [N, H, W, C] */
export function pictureInput(model: Model): Model["graph"]["inputs"][number] {
  const input = model.graph.inputs.find(
    ({ dataType, shape }) => dataType === "float32" && shape.length === 4,
  );
  if (input) return input;
  throw new OptionError({ what: "cannot feed pictures to this model", why: "it has no input [N, C, H, W]" });
}

/** The least and the greatest number that a pixel can become: what z-box needs. */
function pixelRange({ scale, mean, std }: InputCard): { low: number; high: number } {
  const at = (pixel: number): number[] => mean.map((each, c) => (pixel * scale - each) / (std[c] ?? 1));
  return { low: Math.min(...at(0)), high: Math.max(...at(255)) };
}
