/** Reports which nodes of a model can be explained, by which rules, and which cannot. */

import { compilePrepared } from "../compile/compile.ts";
import type { Note } from "../canonicalize/rewrite.ts";
import { RelpropError, type ErrorParts, type Obstacle } from "../errors.ts";
import { inspectNodes, type InspectedNode } from "./inspect-nodes.ts";
import type { DataType, Dim, Model, Value } from "../onnx/graph.ts";
import { isFloat, sizeOf } from "../onnx/tensor.ts";
import { outputFacts, type OutputFacts } from "../outputs/output-facts.ts";
import { checkCompileOptions, type CompileOptions } from "../compile/compile-options.ts";
import { planRequest, prepare, startOf, type Prepared } from "../compile/prepare.ts";
import { assignRules, rulesFor, type Plan } from "../relevance/assign-rules.ts";
import type { OutputKind } from "../outputs/output-kinds.ts";
import { layoutText } from "../outputs/layout-text.ts";
import type { Analysis } from "../relevance/analysis.ts";
import type { SeedRelevance } from "../relevance/composites.ts";
import type { Strides } from "../relevance/stride-modes.ts";
import type { RuleName } from "../relevance/rules/index.ts";
import { tensorsBefore, tensorsBehind, usefulFirst } from "../relevance/advice.ts";
import { version } from "../version.ts";

export type { InspectedNode, NodeState } from "./inspect-nodes.ts";

/** An input or output of the model. */
export interface InspectedTensor {
  /** Its name. */
  readonly name: string;
  /** The type of its elements. */
  readonly dataType: DataType;
  /** Sizes; symbolic ones are names. */
  readonly shape: readonly Dim[];
}

/** A node that relevance cannot cross, and rules that could cross it. */
export interface InspectedObstacle extends Obstacle {
  /** Rules that an override could give it. */
  readonly rules: readonly RuleName[];
}

/** Options of the command that make an explanation possible. */
export interface Alternative {
  /** An option of the command, with its value. */
  readonly option: string;
  /** Its effect, as a clause. */
  readonly does: string;
}

/** The kind of an output, and why. */
export interface InspectedOutput {
  /** As the model has it. */
  readonly name: string;
  /** What its numbers are, as {@link outputKinds} says. */
  readonly kind: OutputKind;
  /** What the kind was read from, in a clause. */
  readonly why: string;
  /** Its axes and scale, in words. */
  readonly layout: string;
}

/** The result of {@link inspect}: plain data that survives `JSON.stringify`. */
export interface Inspection {
  /** Version of this format. */
  readonly v: 1;
  /** Version of relprop. */
  readonly relprop: string;
  /** The file. */
  readonly model: {
    /** The file's version of ai.onnx. */
    readonly opset: number | null;
    readonly irVersion: number;
    readonly producer: string;
    readonly nodes: number;
    /** Number of elements in floating-point initializers. */
    readonly parameters: number;
    readonly inputs: readonly InspectedTensor[];
    readonly outputs: readonly InspectedTensor[];
  };
  /** The metadata `relprop.…` of a compiled explanation; null for any other model. */
  readonly explanation: Readonly<Record<string, string>> | null;
  /** The explained tensors and settings; null for a compiled explanation. */
  readonly plan: {
    readonly composite: string;
    readonly seed: SeedRelevance;
    readonly strides: Strides;
    /** The input whose relevance is the output `relevance`, and all explained inputs. */
    readonly input: string;
    readonly inputs: readonly string[];
    /** The tensor where relevance stops: the input, the vectors of its tokens, or the layer that the options name. */
    readonly layer: string;
    readonly output: string;
    /** The explained tensor: the output, or its logits. */
    readonly explained: string;
  } | null;
  /** The explained output, then the others; empty for a compiled explanation. */
  readonly outputs: readonly InspectedOutput[];
  /** Nodes in the model's order; empty for a compiled explanation. */
  readonly nodes: readonly InspectedNode[];
  /** All nodes that relevance cannot cross. */
  readonly obstacles: readonly InspectedObstacle[];
  /** Other reasons why `compile` would fail with these options. */
  readonly problems: readonly Readonly<ErrorParts>[];
  /** Options with which the model can be explained. */
  readonly alternatives: readonly Alternative[];
  /** Rewrites to canonical form that almost applied, and why they did not. */
  readonly notes: readonly Note[];
  /** Whether `compile` succeeds with these options. */
  readonly canCompile: boolean;
}

/**
 * Inspects a model with the options of {@link compile}. Obstacles to an explanation are part of the result, not errors.
 * {@link inspectionText} prints the result.
 *
 * @throws OptionError for an option with a value that is not allowed, or a tensor that the model does not have
 * @throws ModelFileError for a model that opset 17 cannot express, or whose shapes contradict each other
 *
 * @example
 *     const { obstacles, canCompile } = inspect(readModel(bytes), { composite: "epsilon-plus" });
 */
export function inspect(source: Model, options: CompileOptions = {}): Inspection {
  checkCompileOptions(options);
  const explanation = explanationOf(source);
  const facts = { v: 1, relprop: version, model: factsOf(source), explanation } as const;
  if (explanation) {
    const nothing = { outputs: [], nodes: [], obstacles: [], alternatives: [], notes: [] };
    const problem = {
      what: "cannot explain this model",
      why: "it is a compiled explanation already",
      fix: "inspect the model it was made from",
    };
    return { ...facts, plan: null, ...nothing, problems: [problem], canCompile: false };
  }
  const prepared = prepare(source, options);
  const { settings, canonical, analysis, inputs, ends, outputName } = prepared;
  const request = planRequest(prepared);
  const plan = assignRules(request);
  const byName = new Map(analysis.graph.nodes.map((node) => [node.name, node]));
  const obstacles = plan.obstacles.map((obstacle): InspectedObstacle => {
    const node = byName.get(obstacle.node);
    return { ...obstacle, rules: node ? rulesFor(node, request) : [] };
  });
  const found = {
    outputs: outputsOf(source, prepared),
    nodes: inspectNodes(source, prepared, plan),
    obstacles,
    alternatives: plan.refusal ? alternatives(prepared, obstacles) : [],
    notes: canonical.notes,
  };
  // Comes last because it adds to the graph.
  const problems = problemsOf(source, options, prepared, plan);
  const { composite, seed, strides } = settings;
  return {
    ...facts,
    plan: {
      composite,
      seed,
      strides,
      input: inputs[0].input.name,
      inputs: inputs.map(({ input }) => input.name),
      layer: ends[0].name,
      output: outputName,
      explained: analysis.explained,
    },
    ...found,
    problems,
    canCompile: obstacles.length === 0 && problems.length === 0,
  };
}

/** The kinds of all floating-point outputs that an input reaches. */
function outputsOf(source: Model, prepared: Prepared): InspectedOutput[] {
  const { outputName, facts, ends, inputs } = prepared;
  const analysis = ofCanonical(prepared);
  const names = ends.map(({ name }) => name);
  const others = analysis.graph.outputs.filter(
    ({ name, dataType }) =>
      name !== outputName &&
      isFloat(dataType) &&
      analysis.value(name) &&
      analysis.between(names, name).length > 0,
  );
  return [
    inspectedOutput(outputName, facts),
    ...others.map(({ name }) => {
      const start = startOf(analysis, name);
      return inspectedOutput(name, outputFacts({ ...start, source, outputName: name, inputs }, {}));
    }),
  ];
}

/** The canonical graph, without added nodes for the logits of the explained output. */
const ofCanonical = ({ analysis, canonical: { graph } }: Prepared): Analysis =>
  graph === analysis.graph ? analysis : analysis.of({ graph });

const inspectedOutput = (name: string, facts: OutputFacts): InspectedOutput => ({
  name,
  kind: facts.kind,
  why: facts.why,
  layout: layoutText(facts),
});

const tensor = ({ name, dataType, shape }: Value): InspectedTensor => ({ name, dataType, shape });

function factsOf({ graph, opsets, irVersion, producer }: Model): Inspection["model"] {
  const weights = [...graph.initializers.values()].filter(({ dataType }) => dataType.includes("float"));
  return {
    opset: opsets[""] ?? null,
    irVersion,
    producer,
    nodes: graph.nodes.length,
    parameters: weights.reduce((sum, { dims }) => sum + sizeOf(dims), 0),
    inputs: graph.inputs.map(tensor),
    outputs: graph.outputs.map(tensor),
  };
}

const prefix = "relprop.";

function explanationOf({ metadata }: Model): Inspection["explanation"] {
  if (metadata[`${prefix}composite`] === undefined) return null;
  const ours = Object.entries(metadata).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(ours.map(([key, value]) => [key.slice(prefix.length), value]));
}

/** Problems other than obstacles. Compiles a plan without obstacles to find them. */
function problemsOf(source: Model, options: CompileOptions, prepared: Prepared, plan: Plan): ErrorParts[] {
  if (plan.obstacles.length > 0) return [];
  try {
    if (plan.refusal) throw plan.refusal;
    compilePrepared(source, options, prepared, plan);
    return [];
  } catch (error) {
    if (!(error instanceof RelpropError)) throw error;
    const { what, where, why, fix } = error;
    return [{ what, ...(where !== undefined && { where }), why, ...(fix !== undefined && { fix }) }];
  }
}

/** Quotes a word for a shell if necessary. */
const word = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

function alternatives(prepared: Prepared, obstacles: readonly InspectedObstacle[]): Alternative[] {
  const { settings, outputName } = prepared;
  const analysis = ofCanonical(prepared);
  const request = planRequest(prepared);
  const canExplain = (name: string): boolean => {
    const start = startOf(analysis, name);
    const ends = request.ends.slice(0, 1);
    const { steps, obstacles } = assignRules({ ...request, analysis: start.analysis, ends });
    return steps.length > 0 && obstacles.length === 0;
  };
  const ways: Alternative[] = [];
  const refused = new Set(obstacles.map(({ node }) => node));
  for (const { input, value } of request.settingsBefore?.(refused) ?? []) {
    ways.push({
      option: `--set ${word(`${input}=${String(value)}`)}`,
      does: `fixes the input "${input}", on which what is refused depends; the value is yours to choose`,
    });
  }
  const outputs = analysis.graph.outputs.map(({ name }) => name).filter((name) => name !== outputName);
  for (const name of outputs.filter(canExplain)) {
    ways.push({ option: `--output ${word(name)}`, does: "explains another output of the model" });
  }
  const between = request.analysis.between(request.ends);
  const stops = new Set(obstacles.map(({ node }) => node));
  for (const { tensor, before } of tensorsBefore({ ...request, between }, stops)) {
    if (outputs.includes(tensor) || !canExplain(tensor)) continue;
    ways.push({ option: `--output ${word(tensor)}`, does: `explains the tensor before ${before}` });
  }
  const behind = tensorsBehind({ ...request, between }, stops).find(
    (name) => assignRules({ ...request, ends: [name] }).obstacles.length === 0,
  );
  if (stops.size > 0 && behind !== undefined) {
    ways.push({ option: `--layer ${word(behind)}`, does: "lets relevance stop behind what is in the way" });
  }
  for (const { node, operator, rules } of obstacles) {
    const [first, ...others] = usefulFirst(rules);
    if (first === undefined) continue;
    const also = others.length > 0 ? `; so could ${others.join(", ")}` : "";
    ways.push({
      option: `--rule ${word(`${node}=${first}`)}`,
      does: `crosses ${operator} "${node}" by ${first}${also}`,
    });
  }
  for (const fallback of ["gradient", "pass"] as const) {
    const { obstacles: left } = assignRules({ ...request, settings: { ...settings, fallback } });
    if (obstacles.length > 0 && left.length === 0) {
      const does = fallback === "gradient" ? "by their gradients" : "unchanged";
      ways.push({
        option: `--fallback ${fallback}`,
        does: `sends relevance through all nodes without a rule ${does}`,
      });
    }
  }
  return ways;
}
