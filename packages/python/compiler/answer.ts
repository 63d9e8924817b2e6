/** Requests of the Python package -> answers. Models go by path: no weight crosses the pipe. */

import {
  activationModes,
  chooseExplanation,
  compositeNames,
  dialectNames,
  inspect,
  inspectionText,
  ledgerColumns,
  methodNames,
  outputKinds,
  readAnswer,
  ruleNames,
  seeds,
  sessionModel,
  shareColumns,
  stabilizerKinds,
  starts,
  strideModes,
  version,
  type CompileOptions,
  type Inspection,
  type MethodOptions,
  type SessionModel,
} from "@relprop/core";
import { chooseColoring, colormapNames, renderHeatmap, type ColoringOptions } from "@relprop/core/heatmap";
import { channelAxis, compileOptionNames, methodOptionNames } from "@relprop/core/internal";
import { readModelFile } from "@relprop/core/node";
import type { Model } from "@relprop/core/onnx";
import { writeModelFile, writeSessionGraph, type SessionGraph } from "./files.ts";

/** A model on disk, and how it is explained. */
interface Explained {
  /** Path of an .onnx file. */
  readonly model: string;
  /** As the library takes them. */
  readonly options: CompileOptions | MethodOptions;
  /** Whether each run names what it explains: then relevance is signed, from the logit. */
  readonly isTarget: boolean;
}

/** A request of the Python package. */
export type CompilerRequest = { readonly id: number } & (
  | { readonly ask: "options" }
  | ({ readonly ask: "compile"; readonly out: string } & Explained)
  | ({ readonly ask: "inspect" } & Explained)
  | ({ readonly ask: "save"; readonly out: string; readonly external: boolean } & SessionGraph)
  | {
      readonly ask: "draw";
      readonly relevance: Float32Array;
      readonly height: number;
      readonly width: number;
      readonly isSigned: boolean;
      readonly coloring: ColoringOptions;
    }
);

/** Answers a request. @throws what the library throws */
export function answer(request: CompilerRequest): object {
  switch (request.ask) {
    case "options":
      return optionNames;
    case "compile": {
      const files = new Set<string>();
      const model = readModelFile(request.model, files);
      const { facts, view } = compiled(model, request);
      // What `set` fixes is no input any more.
      const left = new Set(
        [...facts.inputs.map(({ input }) => input), ...facts.others].map(({ name }) => name),
      );
      const inputs = model.graph.inputs.filter(({ name }) => left.has(name));
      const graph = writeSessionGraph(view, request.out);
      return { facts, inputs, channelAxis: channelAxis(facts.input), ...graph, files: [...files] };
    }
    case "inspect": {
      const model = readModelFile(request.model);
      const inspection = inspected(model, request);
      return { inspection, text: inspectionText(inspection) };
    }
    case "save":
      return writeModelFile(request, request.out, request.external);
    case "draw": {
      const { relevance, height, width, isSigned } = request;
      const coloring = chooseColoring(isSigned, request.coloring);
      const { data, normalized } = renderHeatmap({ data: relevance, height, width }, coloring);
      return { pixels: data, low: normalized.low, high: normalized.high, ...coloring };
    }
  }
}

/** Functions cannot be given from outside, and the hash is for files that are kept. */
const ofPrograms = new Set(["operators", "sourceSha256"]);
const usable = (names: readonly string[]): string[] => names.filter((name) => !ofPrograms.has(name));

/** The library's options and the words that they take, by name. */
const optionNames = {
  version,
  compile: usable(compileOptionNames),
  methods: Object.fromEntries(methodNames.map((method) => [method, usable(methodOptionNames(method))])),
  words: {
    composite: compositeNames,
    dialect: dialectNames,
    rules: ruleNames,
    seed: seeds,
    strides: strideModes,
    activations: activationModes,
    stabilizer: stabilizerKinds,
    start: starts,
    outputKind: Object.keys(outputKinds),
    method: methodNames,
    colors: colormapNames,
  },
  ledgerColumns,
  shareColumns,
};

const isMethod = (options: Explained["options"]): options is MethodOptions =>
  "method" in options && options.method !== undefined;

function compiled(model: Model, { options, isTarget }: Explained): SessionModel {
  if (isMethod(options)) return sessionModel(model, options);
  return sessionModel(model, chosen(model, options, isTarget));
}

function inspected(model: Model, { options, isTarget }: Explained): Inspection {
  const plain = isMethod(options) ? {} : options;
  const isCompiled = model.metadata["relprop.composite"] !== undefined;
  return inspect(model, isCompiled ? plain : chosen(model, plain, isTarget));
}

/**
 * Composite, seed and filter, where they are not given, as the command chooses them. A composite that is given keeps its own
 * seed, as in the library; `fischer`, whose seed hangs on the output, has the command's.
 */
function chosen(model: Model, options: CompileOptions, isTarget: boolean): CompileOptions {
  const { composite, seed, topK, target, layer } = options;
  if (composite !== undefined && composite !== "fischer") return options;
  const isOpen = isTarget && composite === undefined;
  const { isWhole: _isWhole, ...choice } = chooseExplanation(readAnswer(model, options), {
    isTarget: isOpen || target !== undefined || layer !== undefined,
    ...(composite !== undefined && { composite }),
    ...(seed !== undefined && { seed }),
    ...(topK !== undefined && { topK }),
  });
  return { ...options, ...choice };
}
