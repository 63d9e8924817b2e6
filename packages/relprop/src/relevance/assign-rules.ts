/** Assigns a rule to every node between the explained inputs and the output: overrides first, then the composite. */

import { UnexplainableError, type Obstacle } from "../errors.ts";
import { capturedBy, readBy, usesOf } from "../onnx/captures.ts";
import type { Node } from "../onnx/graph.ts";
import { isFloat } from "../onnx/tensor.ts";
import { suggestion } from "../suggestion.ts";
import { sameShape } from "./ops/shapes.ts";
import type { Analysis } from "./analysis.ts";
import { opTable } from "./op-table.ts";
import { refusalOf } from "./other-operators.ts";
import { ruleNames, rulesOf } from "./rule-choice.ts";
import { ruleText } from "./rule-text.ts";
import { partsOf, type Row } from "./row-kinds.ts";
import { type Site } from "./site.ts";
import { type RuleName } from "./rules/index.ts";
import type { Settings } from "./settings.ts";
import { noRelevanceError } from "./no-relevance.ts";
import { Shapeless } from "./shapeless.ts";
import { adviceFor } from "./advice.ts";
import { depthKindsFor, isFor, isLayer, stepFor, type PlanStep } from "./rule-of-node.ts";

export type { PlanStep } from "./rule-of-node.ts";

/** The rules of all nodes between the explained inputs and the output, and the obstacles. */
export interface Plan {
  /** In the model's order. Complete only without obstacles. */
  readonly steps: readonly PlanStep[];
  /** All obstacles, in the model's order. */
  readonly obstacles: readonly Obstacle[];
  /** Names of nodes whose shapes are unknown because of an obstacle, with the name of that obstacle. */
  readonly behind: ReadonlyMap<string, string>;
  /** The error that the plan leads to, with obstacles; undefined if there is none. */
  readonly refusal: UnexplainableError | undefined;
}

/** The request for a plan. */
export interface PlanRequest {
  readonly analysis: Analysis;
  /** Names of the tensors where relevance stops. */
  readonly ends: readonly string[];
  /** Names of the explained inputs, or of their token vectors. First layers count from there, even if relevance stops at a later layer. */
  readonly origins: readonly string[];
  readonly settings: Settings;
  /** Why a rewrite to canonical form almost applied to a node, but did not. */
  readonly noteOn: (node: Node) => string | undefined;
  /** Further inputs that lead on where they are fixed, with a value each, for obstacles by name. */
  readonly settingsBefore?: (
    obstacles: ReadonlySet<string>,
  ) => readonly { readonly input: string; readonly value: unknown }[];
}

/** Plans a rule for every node between input and output. Errors are part of the plan, and not thrown. */
export function assignRules(request: PlanRequest): Plan {
  const { analysis, ends, origins, settings } = request;
  const { rowOf } = analysis.operators;
  const between = analysis.between(ends);
  const apart = ends.filter((end) => !between.some((node) => readBy(node).includes(end)));
  if (apart.length > 0)
    return { steps: [], obstacles: [], behind: new Map(), refusal: noRelevanceError(analysis, apart) };
  const first = firstLayers(analysis, origins);
  const steps: PlanStep[] = [];
  const found: Omit<Obstacle, "behind">[] = [];
  const used = new Set<string>();
  const shapeless = new Shapeless((name) => analysis.value(name) !== undefined);
  const onTheWay = new Set(between);
  const depthKindsOf = depthKindsFor(analysis, settings);
  let position = 0;
  for (const node of analysis.graph.nodes) {
    if (!onTheWay.has(node)) {
      shapeless.enter(node);
      continue;
    }
    const row = rowOf(node);
    if (isLayer(row)) position += 1;
    const place = { isFirst: first.has(node), position, depthKinds: depthKindsOf(node) };
    const chosen = stepFor(node, row, place, settings);
    if (chosen) used.add(chosen.why);
    const step = chosen ?? { node, row, choice: { rule: "pass" }, why: "none", passedOver: [] };
    const why = chosen ? obstacleAt(chosen, request) : rowless(node, request);
    const fallback = why === undefined ? undefined : fallbackAt(step, request);
    if (why === undefined) steps.push(step);
    else if (fallback) steps.push(fallback);
    else if (!row || !shapeless.enter(node)) {
      shapeless.stop(node);
      found.push({ node: node.name, operator: node.opType, path: pathTo(analysis, node), why });
    }
  }
  const reached = reachedNames(between, new Map(steps.map((step) => [step.node, step])), request);
  const behind = new Map(
    between.flatMap(({ name }) => {
      const by = shapeless.cause(name);
      return by !== undefined && reached.has(name) ? [[name, by] as const] : [];
    }),
  );
  const obstacles = found
    .filter(({ node }) => reached.has(node))
    .map(({ node, operator, path, why }): Obstacle => {
      const count = [...behind.values()].filter((by) => by === node).length;
      return { node, operator, path, why, behind: count };
    });
  return {
    steps,
    obstacles,
    behind,
    // Computed on demand, since advice needs trial plans.
    get refusal() {
      if (obstacles.length > 0) return obstructed(request, between, { obstacles, behind });
      return unusedOverride({ steps, first, used, overrides: settings.overrides });
    },
  };
}

/**
 * Names of the nodes that relevance reaches. Nodes before an input that gets no relevance, such as a gate or constant
 * attention weights, are no obstacles.
 */
function reachedNames(
  between: readonly Node[],
  steps: ReadonlyMap<Node, PlanStep>,
  { analysis: { explained, siteOf, operators } }: PlanRequest,
): Set<string> {
  const arriving = new Set([explained]);
  const reached = new Set<string>();
  for (const node of between.toReversed()) {
    if (!node.outputs.some((name) => arriving.has(name))) continue;
    reached.add(node.name);
    const rule = steps.get(node)?.choice.rule;
    if (rule === "constant") continue;
    for (const [index, name] of node.inputs.entries()) {
      if (name === "") continue;
      if (rule !== "signal" || !isGateOf(siteOf(node), index, operators.rowOf(node))) arriving.add(name);
    }
    for (const name of capturedBy(node)) arriving.add(name);
  }
  return reached;
}

/** Whether an input is the gate of the others, or their divisor. */
function isGateOf(site: Site, index: number, row: Row | undefined): boolean {
  if (row?.kind === "plain" && row.gateInput !== undefined) return row.gateInput === index;
  const computed = site.inputs.filter((value) => value && site.isComputed(value));
  const input = site.inputs[index];
  return input !== undefined && computed.length > 1 && site.isGate(input);
}

const namesText = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(" or ");

function obstructed(
  request: PlanRequest,
  between: readonly Node[],
  { obstacles, behind }: Pick<Plan, "obstacles" | "behind">,
): UnexplainableError {
  const { analysis, ends } = request;
  const [are, them] = obstacles.length === 1 ? ["operator is", "it"] : ["operators are", "them"];
  const nodes = behind.size === 1 ? "1 node stands" : `${behind.size} nodes stand`;
  const way = `from the output "${analysis.explained}" to the input ${namesText(ends)}`;
  const operators = countedText(obstacles.map(({ operator }) => operator));
  const ways = adviceFor(
    { ...request, between, obstacles, rulesFor: (node) => rulesFor(node, request) },
    ({ explained, ...change }) => {
      const tried = explained === undefined ? analysis : analysis.of({ explained });
      const { steps, obstacles: left } = assignRules({ ...request, ...change, analysis: tried });
      return steps.length > 0 && left.length === 0;
    },
  );
  return new UnexplainableError(
    {
      what: "cannot explain this model",
      why: `${obstacles.length} ${are} in the way ${way} (${operators})${behind.size > 0 ? `, and ${nodes} behind ${them}` : ""}`,
      ...(ways.length > 0 && { fix: new Intl.ListFormat("en", { type: "disjunction" }).format(ways) }),
    },
    obstacles,
  );
}

/** Names with their counts: `LSTM, 2 × Round`. */
function countedText(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`)).join(", ");
}

/** Names of the rules that could cross a node if an override named them. */
export function rulesFor(node: Node, request: PlanRequest): RuleName[] {
  const row = request.analysis.operators.rowOf(node);
  return ruleNames.filter(
    (rule) => obstacleAt({ node, row, choice: { rule }, why: "", passedOver: [] }, request) === undefined,
  );
}

/** Linear layers reached from an input without crossing another. */
function firstLayers(analysis: Analysis, inputs: readonly string[]): Set<Node> {
  const { rowOf, relevantInputs, relevantOutputs } = analysis.operators;
  const before = new Set(inputs);
  const first = new Set<Node>();
  for (const node of analysis.between(inputs)) {
    if (!relevantInputs(node).some((name) => before.has(name))) continue;
    const row = rowOf(node);
    if (isLayer(row)) first.add(node);
    // A recurrent layer has weights, so what stands behind it is not first.
    else if (row?.family !== "recurrent") for (const name of relevantOutputs(node)) before.add(name);
  }
  return first;
}

/** The step of the chosen fallback, if it can cross the node. */
function fallbackAt({ node, row, passedOver }: PlanStep, request: PlanRequest): PlanStep | undefined {
  const { fallback } = request.settings;
  if (fallback === undefined) return undefined;
  // The gradient needs the row's transpose, passing does not.
  const crossing = {
    node,
    row: fallback === "gradient" ? row : undefined,
    choice: { rule: fallback },
    why: "fallback",
    passedOver,
  };
  return obstacleAt(crossing, request) === undefined ? crossing : undefined;
}

/** Why relevance cannot cross a node that has no row. */
const rowless = (node: Node, request: PlanRequest): string => withNote(refusalOf(node), node, request);

/** A reason, and why the node could not be rewritten. */
function withNote(why: string, node: Node, { noteOn }: PlanRequest): string {
  const note = noteOn(node);
  return note === undefined ? why : `${why} (${note})`;
}

/** Why the chosen rule cannot work at this node, or undefined if it can. */
function obstacleAt({ node, row, choice }: PlanStep, request: PlanRequest): string | undefined {
  const { siteOf, value, explained } = request.analysis;
  const unknown = [...node.inputs, ...node.outputs].find((name) => name !== "" && !value(name));
  if (unknown !== undefined) {
    return row
      ? `the shape of "${unknown}" is not known${whyShapeless(node, unknown, request)}, so no relevance can be computed here`
      : `${rowless(node, request)}, and the shape of "${unknown}" is not known`;
  }
  const site = siteOf(node);
  if (!row && choice.rule !== "pass") {
    return `only "pass" can be used on ${node.opType}, which has no row in the op table`;
  }
  if (row && !isFor(choice, row)) {
    return `the rule "${choice.rule}" is for other layers; here: ${Object.keys(rulesOf(row.kind)).join(", ")}`;
  }
  const [y] = site.outputs;
  const parts = partsOf(row, site, choice.rule === "gradient").map((index) => site.input(index));
  const computed = parts.filter((value) => site.isComputed(value));
  const start = site.outputs.find((value) => value?.name === explained)?.dataType;
  if (!row && start !== undefined && start !== "float32") {
    return `${rowless(node, request)}, and it gives ${start}, where relevance starts from float32`;
  }
  if (!row && computed.length === 0) return `${rowless(node, request)}, and none of its inputs is on the way`;
  const other = computed.find(
    (x) => isFloat(x.dataType) && x.dataType !== "float32" && x.dataType === y?.dataType,
  );
  if (other && choice.rule !== "pass") {
    return `it computes in ${other.dataType}, and relevance is computed in float32: export it in float32`;
  }
  // Without a row, relevance goes to the first input that depends on the model's.
  const misfit = (row ? computed : computed.slice(0, 1)).find((x) => y && !sameShape(x.shape, y.shape));
  if (choice.rule === "pass" && misfit && y) {
    return `relevance cannot pass unchanged from [${y.shape.join(", ")}] to [${misfit.shape.join(", ")}]`;
  }
  if (choice.rule === "signal" && row?.kind === "plain" && row.gateInput === undefined) {
    const factors = site.inputs.filter((value) => value && site.isComputed(value));
    const gates = factors.filter((value) => value && site.isGate(value)).length;
    if (factors.length > 1 && gates !== 1) {
      const which = gates === 0 ? "none of its factors comes" : "more than one of its factors come";
      return `${which} from a sigmoid or softmax, so which is the gate is not known: share between them (--rule '${node.name}=uniform')`;
    }
  }
  const why = row?.refuses(site);
  return why === undefined ? undefined : withNote(why, node, request);
}

/** A clause naming the node that leaves the shape of a value unknown; "" if it is this one. */
function whyShapeless(node: Node, name: string, { analysis }: PlanRequest): string {
  const { producer } = usesOf(analysis.graph);
  let maker = producer.get(name);
  for (
    let before = maker;
    before;
    before = producer.get(readBy(before).find((name) => !analysis.value(name)) ?? "")
  )
    maker = before;
  return maker && maker !== node ? `, as nothing is known of what ${maker.opType} "${maker.name}" gives` : "";
}

/** At most four node names from the explained output down to the node. */
function pathTo({ graph, explained: output }: Analysis, node: Node): string[] {
  const { consumers } = usesOf(graph);
  const path = [node.name];
  let current: Node | undefined = node;
  const seen = new Set<Node>();
  while (current && !current.outputs.includes(output) && !seen.has(current)) {
    seen.add(current);
    current = current.outputs.flatMap((name) => consumers.get(name) ?? [])[0];
    if (current) path.unshift(current.name);
  }
  const whole = [`output "${output}"`, ...path];
  return whole.length <= 4 ? whole : [whole[0] as string, whole[1] as string, "…", whole.at(-1) as string];
}

/** Refuses overrides that match no node, which are usually typing errors. */
function unusedOverride(plan: {
  readonly steps: readonly PlanStep[];
  readonly first: ReadonlySet<Node>;
  readonly used: ReadonlySet<string>;
  readonly overrides: Settings["overrides"];
}): UnexplainableError | undefined {
  const unused = plan.overrides.find(({ pattern }) => !plan.used.has(`--rule ${pattern}`));
  if (!unused) return undefined;
  const { pattern, choice } = unused;
  const passed = [
    ...new Set(plan.steps.filter((step) => step.passedOver.includes(pattern)).map(({ node }) => node.opType)),
  ];
  if (passed.length > 0)
    return new UnexplainableError({
      what: `the rule for "${pattern}" is used nowhere`,
      why: `${ruleText(choice)} is for other layers than those it matches (${passed.join(", ")})`,
    });
  const names = [...plan.steps.map(({ node }) => node.name), ...Object.keys(opTable)];
  const first = [...plan.first].map((node) => node.name).join(", ");
  return new UnexplainableError({
    what: `the rule for "${pattern}" is used nowhere`,
    why: `no node between input and output has that name, operator or layer kind (first layers: ${first})`,
    ...suggestion(pattern, names),
  });
}
