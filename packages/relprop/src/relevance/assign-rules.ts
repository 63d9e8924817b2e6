/** Composite + the user's overrides -> a rule for every node between the explained input and output; the first match wins. */

import { UnexplainableError, type Obstacle } from "../errors.ts";
import { usesOf, type Graph, type Node } from "../onnx/graph.ts";
import { suggestion } from "../suggestion.ts";
import { sameShape } from "./ops/shapes.ts";
import { opTable, rowOf } from "./op-table.ts";
import type { LayerKind, RuleChoice } from "./composites.ts";
import type { Row, Site } from "./row-kinds.ts";
import { linearRules, plainRules } from "./rules/index.ts";
import type { Settings } from "./settings.ts";

/** What happens to relevance at one node. */
export interface PlanStep {
  readonly node: Node;
  /** Undefined where a fallback steps in for an operator that has no row. */
  readonly row: Row | undefined;
  readonly choice: RuleChoice;
  /** Which line of the composite, or which override, decided. */
  readonly why: string;
}

/** The steps in the model's order, and which values depend on the model's inputs. */
export interface Plan {
  readonly steps: readonly PlanStep[];
}

/**
 * @param output name of the explained tensor
 * @param input name of the explained input
 * @param siteOf a node as the rows see it
 * @throws UnexplainableError listing every node that stands in the way
 */
export function assignRules(
  graph: Graph,
  output: string,
  input: string,
  settings: Settings,
  siteOf: (node: Node) => Site,
): Plan {
  const between = nodesBetween(graph, output, input);
  if (between.length === 0) {
    throw new UnexplainableError({
      what: `cannot explain the output "${output}"`,
      why: `it does not depend on the input "${input}"`,
      fix: "choose another with --output or --input",
    });
  }
  const first = firstLayers(between, input);
  const obstacles: Obstacle[] = [];
  let position = 0;
  const steps = between.map((node): PlanStep => {
    const row = rowOf(node.opType);
    if (isLayer(row)) position += 1;
    const step = stepFor(node, row, first.has(node), position, settings);
    const why = step ? refusal(step, siteOf(node)) : `relevance has no rule for ${node.opType} yet`;
    if (step && why === undefined) return step;
    if (settings.fallback === "pass")
      return { node, row: undefined, choice: { rule: "pass" }, why: "fallback" };
    obstacles.push({
      node: node.name,
      operator: node.opType,
      path: pathTo(graph, output, node),
      why: why ?? "",
    });
    return { node, row, choice: { rule: "pass" }, why: "obstacle" };
  });
  if (obstacles.length > 0) {
    const nodes = obstacles.length === 1 ? "1 node stands" : `${obstacles.length} nodes stand`;
    throw new UnexplainableError(
      {
        what: "cannot explain this model",
        why: `${nodes} between the output "${output}" and the input "${input}" without a rule`,
        fix: "explain a tensor before it (--output NAME), give a rule (--rule 'NODE=RULE'), or choose a fallback (--fallback gradient, --fallback pass)",
      },
      obstacles,
    );
  }
  reportUnusedOverrides(steps, first, settings);
  return { steps };
}

const isLayer = (row: Row | undefined): boolean => row?.family === "convolution" || row?.family === "dense";

/** Nodes from which the output can be reached and which the input reaches. */
function nodesBetween(graph: Graph, output: string, input: string): Node[] {
  const reached = new Set([input]);
  const after = graph.nodes.filter((node) => {
    const isReached = node.inputs.some((name) => reached.has(name));
    if (isReached) for (const name of node.outputs) reached.add(name);
    return isReached;
  });
  const needed = new Set([output]);
  const between = after.toReversed().filter((node) => {
    const isNeeded = node.outputs.some((name) => needed.has(name));
    if (isNeeded) for (const name of node.inputs) needed.add(name);
    return isNeeded;
  });
  return between.toReversed();
}

/** Linear layers reached from the input without crossing another. */
function firstLayers(between: readonly Node[], input: string): Set<Node> {
  const before = new Set([input]);
  const first = new Set<Node>();
  for (const node of between) {
    if (!node.inputs.some((name) => before.has(name))) continue;
    if (isLayer(rowOf(node.opType))) first.add(node);
    else for (const name of node.outputs) before.add(name);
  }
  return first;
}

function stepFor(
  node: Node,
  row: Row | undefined,
  isFirst: boolean,
  position: number,
  settings: Settings,
): PlanStep | undefined {
  const kinds: LayerKind[] = [];
  if (isFirst && row?.family === "convolution") kinds.push("first convolution");
  if (isFirst) kinds.push("first");
  if (row) kinds.push(row.family);
  for (const { pattern, choice } of settings.overrides) {
    if (matches(pattern, node, kinds, isLayer(row) ? position : 0))
      return { node, row, choice, why: `--rule ${pattern}` };
  }
  if (!row) return undefined;
  for (const kind of kinds) {
    const choice = settings.rules[kind];
    if (!choice) continue;
    const why = `${settings.composite}, ${kind}`;
    // A maximum whose strides are averages is an average, and shared as one.
    const asAverage =
      row.family === "maximum" && settings.strides === "average" && choice.rule === "gradient";
    const average = settings.rules.average ?? { rule: "norm" };
    return { node, row, choice: asAverage ? average : choice, why };
  }
  if (settings.fallback === "gradient") return { node, row, choice: { rule: "gradient" }, why: "fallback" };
  return undefined;
}

function matches(pattern: string, node: Node, kinds: readonly LayerKind[], position: number): boolean {
  if (pattern.startsWith("#")) return position > 0 && pattern === `#${position}`;
  if (pattern === node.opType || (kinds as readonly string[]).includes(pattern)) return true;
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`).test(node.name);
}

/** Why the chosen rule cannot work at this node. */
function refusal({ row, choice }: PlanStep, site: Site): string | undefined {
  if (!row) {
    return choice.rule === "pass"
      ? undefined
      : `only "pass" can be used on ${site.node.opType}, which has no row in the op table`;
  }
  const known = row.kind === "linear" ? linearRules : plainRules;
  if (!Object.hasOwn(known, choice.rule)) {
    return `the rule "${choice.rule}" is for other layers; here: ${Object.keys(known).join(", ")}`;
  }
  const [x, y] = [site.inputs[0], site.outputs[0]];
  if (choice.rule === "pass" && x && y && !sameShape(x.shape, y.shape)) {
    return `relevance cannot pass unchanged from [${y.shape.join(", ")}] to [${x.shape.join(", ")}]`;
  }
  return row.refuses(site);
}

/** At most four node names from the explained output down to the node. */
function pathTo(graph: Graph, output: string, node: Node): string[] {
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

/** An override that matches nothing is a typing error, and must not pass in silence. */
function reportUnusedOverrides(
  steps: readonly PlanStep[],
  first: ReadonlySet<Node>,
  settings: Settings,
): void {
  const used = new Set(steps.map((step) => step.why));
  for (const { pattern } of settings.overrides) {
    if (used.has(`--rule ${pattern}`)) continue;
    const names = [...steps.map(({ node }) => node.name), ...Object.keys(opTable)];
    throw new UnexplainableError({
      what: `the rule for "${pattern}" is used nowhere`,
      why: `no node between input and output has that name, operator or layer kind (first layers: ${[...first].map((node) => node.name).join(", ")})`,
      ...suggestion(pattern, names),
    });
  }
}
