/** The nodes of a model as `inspect` shows them: their canonical form and their rule. */

import type { RemovedNode } from "../canonicalize/removed-nodes.ts";
import { readBy } from "../onnx/captures.ts";
import type { Dim, Graph, Model, Node } from "../onnx/graph.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";
import type { Prepared } from "../compile/prepare.ts";
import { nodesBetween } from "../relevance/analysis.ts";
import type { Plan } from "../relevance/assign-rules.ts";
import { ruleText } from "../relevance/rule-text.ts";
import { operatorsWithoutRelevance } from "../relevance/other-operators.ts";

/** What relevance does at a node. "behind": a refused node leaves its shape unknown, and so whether a rule applies. */
export type NodeState = "explained" | "carries no relevance" | "refused" | "behind";

/** One node of the model. */
export interface InspectedNode {
  /** Its name in the model. */
  readonly name: string;
  /** The operator in the model, with its domain unless that is ai.onnx: `com.microsoft.FusedConv`. */
  readonly operator: string;
  /** Its canonical form: `Linear`, `folded into Conv "conv1"`; "" if it is unchanged. */
  readonly form: string;
  /** Names of the canonical nodes that do its work, if it is not canonical itself. */
  readonly into: readonly string[];
  /** Shape of its first output; null if unknown. */
  readonly shape: readonly Dim[] | null;
  /** Whether relevance crosses it. */
  readonly state: NodeState;
  /** Its rule as text: `zplus(bias=0)`; null unless it is explained. */
  readonly rule: string | null;
  /** The line of the composite or the override that decided, or why there is no relevance. */
  readonly why: string;
}

type Verdict = Pick<InspectedNode, "state" | "rule" | "why">;

/** The model's nodes in their order. Nodes that conversion and canonicalization added stand where they run. */
export function inspectNodes(source: Model, prepared: Prepared, plan: Plan): InspectedNode[] {
  const { converted, analysis } = prepared;
  const { nodes } = analysis.graph;
  const verdicts = new NodeVerdicts(prepared, plan);
  const position = new Map(nodes.map((node, index) => [node.name, index]));
  const ofSource = new Set(source.graph.nodes.map((node) => node.name));
  const convertedByName = new Map(converted.nodes.map((node) => [node.name, node]));
  const values = inferGraph(converted);
  const shapeOf = ([output = ""]: readonly string[]): readonly Dim[] | null =>
    (values.get(output) ?? analysis.value(output))?.shape ?? null;

  const rows: InspectedNode[] = [];
  let next = 0;
  const addMadeBefore = (end: number): void => {
    for (; next < end; next++) {
      const node = nodes[next];
      if (!node || ofSource.has(node.name)) continue;
      const { name, outputs } = node;
      const shape = shapeOf(outputs);
      rows.push({
        name,
        operator: operatorOf(node),
        form: "added",
        into: [],
        shape,
        ...verdicts.ofCanonical(node),
      });
    }
  };
  for (const node of source.graph.nodes) {
    const index = position.get(node.name);
    const kept = index === undefined ? undefined : nodes[index];
    if (index !== undefined) addMadeBefore(index);
    const row = { name: node.name, operator: operatorOf(node), shape: shapeOf(node.outputs) };
    if (kept) {
      const form = kept.opType === node.opType ? "" : kept.opType;
      rows.push({ ...row, form, into: [], ...verdicts.ofCanonical(kept) });
    } else {
      rows.push({ ...row, ...verdicts.ofRemoved(node, convertedByName.get(node.name) ?? node) });
    }
  }
  addMadeBefore(nodes.length);
  return rows;
}

const operatorOf = ({ domain, opType }: Node): string => (domain === "" ? opType : `${domain}.${opType}`);

/** The verdicts on the nodes of a planned model. */
class NodeVerdicts {
  readonly #prepared: Prepared;
  readonly #steps: ReadonlyMap<string, Plan["steps"][number]>;
  readonly #obstacles: ReadonlyMap<string, string>;
  readonly #behind: Plan["behind"];
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #onTheWay: ReadonlySet<string>;

  constructor(prepared: Prepared, plan: Plan) {
    const { converted, canonical, analysis, outputName, ends } = prepared;
    this.#prepared = prepared;
    this.#steps = new Map(plan.steps.map((step) => [step.node.name, step]));
    this.#obstacles = new Map(plan.obstacles.map(({ node, why }) => [node, why]));
    this.#behind = plan.behind;
    this.#nodes = new Map(canonical.graph.nodes.map((node) => [node.name, node]));
    this.#onTheWay = new Set(
      nodesBetween(
        { graph: converted, operators: analysis.operators },
        outputName,
        ends.map(({ name }) => name),
      ).map((node) => node.name),
    );
  }

  /** The verdict on a node of the canonical graph. */
  ofCanonical(node: Node): Verdict {
    const obstacle = this.#obstacles.get(node.name);
    if (obstacle !== undefined) return { state: "refused", rule: null, why: obstacle };
    const before = this.#behind.get(node.name);
    if (before !== undefined) return { state: "behind", rule: null, why: this.#whyBehind(before) };
    const step = this.#steps.get(node.name);
    if (step) {
      const others = step.passedOver.map((pattern) => `; the rule of "${pattern}" is for other layers`);
      return { state: "explained", rule: ruleText(step.choice), why: `${step.why}${others.join("")}` };
    }
    return none(this.#whyNone(node, this.#prepared.analysis.graph));
  }

  /** The verdict on a node that canonicalization removed. */
  ofRemoved(node: Node, converted: Node): Verdict & Pick<InspectedNode, "form" | "into"> {
    const { became, into } = this.#replacementsOf(node.name);
    const replacements = into.flatMap((name) => this.#nodes.get(name) ?? []);
    const names = replacements.map((replacement) => `${replacement.opType} "${replacement.name}"`).join(", ");
    if (became === "part" || became === "folded" || became === "converted") {
      const verdicts = replacements.map((replacement) => this.ofCanonical(replacement));
      const verdict =
        verdicts.find(({ state }) => state === "refused") ??
        verdicts.find(({ state }) => state === "behind") ??
        verdicts.find(({ state }) => state === "explained") ??
        verdicts[0] ??
        none("no output needs it");
      const form = {
        part: `part of ${names}`,
        folded: `folded into ${names}`,
        converted: `converted to ${this.#madeFor(node.name)
          .map(({ opType }) => opType)
          .join(", ")}`,
      }[became];
      return { ...verdict, form, into, why: verdict.state === "explained" ? `with ${names}` : verdict.why };
    }
    if (became === "constant") return { ...none("its output is a constant"), form: "constant", into };
    if (became === "unneeded") return { ...none("no output needs it"), form: "dropped", into };
    const isWrapper = became === "unwrapped";
    const why = isWrapper ? "the nodes inside of it stand in its place" : "its output is its input";
    const verdict: Verdict = this.#onTheWay.has(node.name)
      ? { state: "explained", rule: "pass", why }
      : none(this.#whyNone(converted, this.#prepared.converted));
    return { ...verdict, form: isWrapper ? "unwrapped" : "dropped", into };
  }

  /** What conversion to opset 17 put in a node's place, if it left no node of that name. */
  #madeFor(name: string): readonly Node[] {
    const { nodes } = this.#prepared.converted;
    return nodes.some((node) => node.name === name) ? [] : nodes.filter((node) => node.owner?.node === name);
  }

  /** The canonical nodes that do the work of a removed node, found through replacements that were removed as well. */
  #replacementsOf(name: string): { became: RemovedNode["became"] | "converted"; into: readonly string[] } {
    const { removedNodes } = this.#prepared.canonical;
    const made = this.#madeFor(name).map((node) => node.name);
    const removed = removedNodes.get(name) ?? {
      became: made.length > 0 ? ("converted" as const) : ("unneeded" as const),
      into: made,
    };
    const seen = new Set([name]);
    const follow = (into: readonly string[]): string[] =>
      into.flatMap((replacement) => {
        if (this.#nodes.has(replacement)) return [replacement];
        if (seen.has(replacement)) return [];
        seen.add(replacement);
        return follow(removedNodes.get(replacement)?.into ?? []);
      });
    return { became: removed.became, into: [...new Set(follow(removed.into))] };
  }

  #whyBehind(obstacle: string): string {
    const { opType = "" } = this.#nodes.get(obstacle) ?? {};
    return `shapes are not known behind ${opType} "${obstacle}"`;
  }

  #whyNone(node: Node, graph: Graph): string {
    const { analysis, findLogits, outputName, inputs, ends } = this.#prepared;
    const { explained } = analysis;
    const { endsRelevance } = analysis.operators;
    if (endsRelevance(node)) return `it ${operatorsWithoutRelevance.get(node.opType) ?? "carries none"}`;
    const isAfter = (name: string): boolean => reachedFrom(graph, endsRelevance, name).has(node);
    if (!graph.inputs.some(({ name }) => isAfter(name))) return "no value of an input reaches it";
    const isLogit = node.outputs.some((name) => findLogits(name) !== undefined);
    if (isLogit && explained !== outputName)
      return `relevance starts before it, at the logits "${explained}"`;
    if (isAfter(explained)) return `it comes after the explained tensor "${explained}"`;
    const names = inputs.map(({ input }) => input.name);
    if (!names.some(isAfter)) return `the explained input "${names.join('" or "')}" does not reach it`;
    const [end] = ends;
    return isAfter(end.name) || ends.length > 1
      ? `the explained tensor "${explained}" does not depend on it`
      : `relevance stops at "${end.name}"`;
  }
}

const none = (why: string): Verdict => ({ state: "carries no relevance", rule: null, why });

/** The nodes that a value reaches, cached because every node asks. */
function reachedFrom(graph: Graph, endsRelevance: (node: Node) => boolean, name: string): ReadonlySet<Node> {
  const known = reaches.get(graph) ?? new Map<string, ReadonlySet<Node>>();
  reaches.set(graph, known);
  const before = known.get(name);
  if (before) return before;
  const values = new Set([name]);
  const nodes = new Set<Node>();
  for (const node of graph.nodes) {
    if (endsRelevance(node) || !readBy(node).some((input) => values.has(input))) continue;
    nodes.add(node);
    for (const output of node.outputs) values.add(output);
  }
  known.set(name, nodes);
  return nodes;
}
const reaches = new WeakMap<Graph, Map<string, ReadonlySet<Node>>>();
