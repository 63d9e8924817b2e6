/** Decides how a text model is compiled, as far as the user left it open. */

import {
  chooseExplanation,
  OptionError,
  readAnswer,
  type CompileOptions,
  type MethodOptions,
  type OutputFacts,
} from "@relprop/core";
import { tokenEmbedding, type TokenEmbedding } from "@relprop/core/internal";
import { convertOpset, type Model } from "@relprop/core/onnx";
import { withoutUndefined } from "../without-undefined.ts";
import { checkSeed, type RunChoices } from "../run/decide.ts";
import { optionsOfMethod } from "../run/method-choice.ts";

/** The decisions about a text model. */
export interface TextDecision {
  readonly options: CompileOptions | MethodOptions;
  readonly embedding: TokenEmbedding;
  /** Whether relevance starts at the softmax over all classes, not at one of them. */
  readonly isWhole: boolean;
  /** What the output is. */
  readonly facts: OutputFacts;
}

/**
 * Chooses what to compile, as {@link chooseExplanation} does for one answer, so that relevance has signs.
 * @param known description of the output in the files beside the model
 * @throws OptionError if the model takes no token ids, or options exclude each other
 */
export function decideTexts(
  model: Model,
  choices: Pick<RunChoices, "classes" | "against" | "compile" | "method">,
  known: Pick<CompileOptions, "outputKind" | "labelCount">,
): TextDecision {
  const { compile, method } = choices;
  const embedding = tokenEmbedding(convertOpset(model).graph, compile.input);
  if (!embedding) {
    const inputs = model.graph.inputs.map(
      ({ name, dataType, shape }) => `${name} ${dataType} [${shape.join(", ")}]`,
    );
    throw new OptionError({
      what: "cannot explain texts with this model",
      why: `none of its inputs holds token ids that are looked up in a table of vectors: ${inputs.join("; ")}`,
      fix: "give a text model, or leave --text out",
    });
  }
  if (choices.classes.length > 0 || choices.against !== undefined) checkSeed(choices);
  const common: CompileOptions = { ...known, ...compile, input: embedding.ids, target: "input" };
  const reading = readAnswer(model, common);
  const { facts } = reading;
  if (method) return { options: optionsOfMethod(method, common), embedding, isWhole: false, facts };
  const { composite, seed } = chooseExplanation(reading, {
    isTarget: true,
    ...withoutUndefined({ composite: compile.composite, seed: compile.seed }),
  });
  return { options: { ...common, composite, seed }, embedding, isWhole: seed === "softmax", facts };
}
