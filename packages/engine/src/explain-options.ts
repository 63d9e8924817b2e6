/** The app's requests -> options of the library. */

import { chooseExplanation, OptionError, type AnswerReading, type CompileOptions } from "@relprop/core";
import { isSetting, pictureOf, withPixelBounds } from "@relprop/core/internal";
import type { Model } from "@relprop/core/onnx";
import type { ModelCard } from "@relprop/core/zoo";
import type { ExplainRequest } from "./engine.ts";

/** Options for reading and explaining a model, the same as the command's. */
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

/** A composite, and what it must know about the pictures. */
export const compositeOptions = (
  { input }: Pick<ModelCard, "input">,
  composite: ExplainRequest["composite"],
): Pick<CompileOptions, "composite" | "low" | "high"> => withPixelBounds({ composite }, input);

/** How relevance starts for a target; see {@link chooseExplanation}. */
export interface TargetStart {
  /** Whether the whole prediction is explained. */
  readonly isWhole: boolean;
  /** Options that are compiled into the graph. */
  readonly options: Required<Pick<CompileOptions, "seed" | "topK" | "target">>;
}

/** Chooses how relevance starts. If the highest number of a list is explained, the graph itself finds it. */
export function startOf(
  reading: AnswerReading,
  { composite, target, keep }: Pick<ExplainRequest, "composite" | "target" | "keep">,
): TargetStart {
  const isTarget = target.kind !== "prediction";
  const { seed, isWhole } = chooseExplanation(reading, { composite, isTarget });
  const isHighest = !isTarget && ["classes", "multi-label", "scores"].includes(reading.facts.kind);
  const options = { seed, topK: keep > 0 ? "input" : 0, target: isHighest ? "top1" : "input" } as const;
  return { isWhole, options };
}

/** The input for pictures. @throws OptionError if no input has the shape [N, C, H, W] or [N, H, W, C] */
export function pictureInput(model: Model): Model["graph"]["inputs"][number] {
  const float = model.graph.inputs.find(
    ({ dataType, shape }) => dataType.startsWith("float") && shape.length === 4,
  );
  const input = float ?? pictureOf(model.graph);
  if (input?.shape.length === 4) return input;
  throw new OptionError({ what: "cannot feed pictures to this model", why: "it has no input [N, C, H, W]" });
}

/** @throws OptionError if the model needs inputs besides the picture */
export function refuseOtherInputs({ graph }: Model, picture: string): void {
  const others = graph.inputs.filter(({ name }) => name !== picture && !graph.initializers.has(name));
  if (others.length === 0) return;
  const list = others.map(({ name, dataType, shape }) => `"${name}" ${dataType} [${shape.join(", ")}]`);
  throw new OptionError({
    what: "cannot explain pictures with this model",
    why: `besides the picture "${picture}" it needs ${list.join(", ")}`,
    fix: others.every(isSetting)
      ? `start \`relprop studio\` with the model and --set ${others[0]?.name}=VALUE`
      : "use the command: `relprop compile` writes the explanation as a graph that takes all inputs",
  });
}
