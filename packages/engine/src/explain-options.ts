/** What the app asks for -> options of the library. */

import { chooseExplanation, OptionError, type AnswerReading, type CompileOptions } from "@relprop/core";
import type { Model } from "@relprop/core/onnx";
import type { InputCard, ModelCard } from "@relprop/core/zoo";
import type { ExplainRequest } from "./engine.ts";

/** What is read and explained of a model, whichever way: as the command does it. */
export function modelOptions(model: Model, { input, output, kind, labels }: ModelCard): CompileOptions {
  const isOpen = pictureInput(model)
    .shape.slice(1)
    .some((dim) => typeof dim === "string");
  return {
    ...(isOpen ? { size: input.size } : {}),
    reduce: "channels",
    ...(output === undefined ? {} : { output }),
    ...(kind === undefined ? {} : { outputKind: kind }),
    ...(labels.length > 0 ? { labelCount: labels.length } : {}),
  };
}

/** What a composite needs to know of the pictures. */
export const compositeOptions = (
  { input }: Pick<ModelCard, "input">,
  composite: ExplainRequest["composite"],
): Pick<CompileOptions, "composite" | "low" | "high"> => ({
  composite,
  ...(composite === "epsilon-gamma-box" ? pixelRange(input) : {}),
});

/** What a request makes of a target: see {@link chooseExplanation}. */
export interface AskedStart {
  /** Whether the prediction as a whole is explained. */
  readonly isWhole: boolean;
  /** What is compiled in. */
  readonly options: Required<Pick<CompileOptions, "seed" | "topK" | "target">>;
}

/** How relevance starts. Where nothing is named and the highest of a list is explained, the graph finds it. */
export function startOf(
  reading: AnswerReading,
  { composite, target, keep }: Pick<ExplainRequest, "composite" | "target" | "keep">,
): AskedStart {
  const isTarget = target.kind !== "prediction";
  const { seed, isWhole } = chooseExplanation(reading, { composite, isTarget });
  const isHighest = !isTarget && ["classes", "multi-label", "scores"].includes(reading.facts.kind);
  const options = { seed, topK: keep > 0 ? "input" : 0, target: isHighest ? "top1" : "input" } as const;
  return { isWhole, options };
}

/** The input that pictures are fed to. @throws OptionError if there is none [N, C, H, W] or [N, H, W, C] */
export function pictureInput(model: Model): Model["graph"]["inputs"][number] {
  const input = model.graph.inputs.find(
    ({ dataType, shape }) => dataType.startsWith("float") && shape.length === 4,
  );
  if (input) return input;
  throw new OptionError({ what: "cannot feed pictures to this model", why: "it has no input [N, C, H, W]" });
}

/** Only pictures are fed. @throws OptionError naming what else the model needs */
export function refuseOtherInputs({ graph }: Model, picture: string): void {
  const others = graph.inputs.filter(({ name }) => name !== picture && !graph.initializers.has(name));
  if (others.length === 0) return;
  const list = others.map(({ name, dataType, shape }) => `"${name}" ${dataType} [${shape.join(", ")}]`);
  throw new OptionError({
    what: "cannot explain pictures with this model",
    why: `besides the picture "${picture}" it needs ${list.join(", ")}`,
    fix: "use the command: `relprop compile` writes the explanation as a graph that takes all inputs",
  });
}

/** The least and the greatest number that a pixel can become: what z-box needs. */
function pixelRange({ scale, mean, std }: InputCard): { low: number; high: number } {
  const at = (pixel: number): number[] => mean.map((each, c) => (pixel * scale - each) / (std[c] ?? 1));
  return { low: Math.min(...at(0)), high: Math.max(...at(255)) };
}
