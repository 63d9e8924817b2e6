/**
 * What a node reads. Its inputs are the least of it: the graphs inside of a node (If, Loop, Scan) take values from the
 * graph around it by name, at any depth, and the body of a recognised pattern has constants. All code that asks what a
 * node depends on, or who uses a value, asks here.
 */

import { fromBinary } from "@bufbuild/protobuf";
import { type Graph, type Node, type Subgraph, type Uses, subgraphsOf } from "./graph.ts";
import { type AttributeProto, AttributeProtoSchema, type GraphProto } from "./onnx_pb.ts";

/** Names that are read but not made: a value of a graph hides an outer one of the same name. */
function outerNames(read: readonly string[], made: Iterable<string>): readonly string[] {
  const own = new Set(made);
  return [...new Set(read)].filter((name) => name !== "" && !own.has(name));
}

const takenByProto = (graph: GraphProto): readonly string[] =>
  outerNames(
    [
      ...graph.node.flatMap(({ input, attribute }) => [...input, ...attribute.flatMap(takenByAttribute)]),
      ...graph.output.map(({ name }) => name),
    ],
    [...graph.input, ...graph.initializer]
      .map(({ name }) => name)
      .concat(graph.node.flatMap(({ output }) => output)),
  );

const takenByAttribute = ({ g, graphs }: AttributeProto): readonly string[] =>
  [...(g ? [g] : []), ...graphs].flatMap(takenByProto);

const takenBy = ({ inputs, outputs, initializers, nodes }: Subgraph): readonly string[] =>
  outerNames(
    [...nodes.flatMap(readBy), ...outputs.map(({ name }) => name)],
    [...inputs.map(({ name }) => name), ...initializers.keys(), ...nodes.flatMap((node) => node.outputs)],
  );

const nothing: readonly string[] = [];
const captured = new WeakMap<Node, readonly string[]>();

/** Names of the outer values that the graphs inside of a node read. */
export function capturedBy(node: Node): readonly string[] {
  const before = captured.get(node);
  if (before) return before;
  const taken: string[] = [];
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.type === "graph") taken.push(...takenBy(attribute.value));
    else if (attribute.type === "opaque")
      taken.push(...takenByAttribute(fromBinary(AttributeProtoSchema, attribute.value)));
  }
  for (const part of node.body ?? []) taken.push(...capturedBy(part));
  const names = taken.length === 0 ? nothing : taken;
  captured.set(node, names);
  return names;
}

/** What a body reads besides what its own nodes make. */
const takenByBody = (body: readonly Node[]): readonly string[] =>
  outerNames(
    body.flatMap(readBy),
    body.flatMap((inner) => inner.outputs),
  );

const known = new WeakMap<Node, readonly string[]>();

/** Names of all values that a node is computed from, in the graph where it stands; inputs come first. */
export function readBy(node: Node): readonly string[] {
  const before = known.get(node);
  if (before) return before;
  const inputs = node.inputs.includes("") ? node.inputs.filter((name) => name !== "") : node.inputs;
  const taken = capturedBy(node);
  const more = node.body ? [...taken, ...takenByBody(node.body)] : taken;
  const names = more.length === 0 ? inputs : [...new Set([...inputs, ...more])];
  known.set(node, names);
  return names;
}

/** Names of the values of a graph that the graphs inside of its nodes read. */
export function capturedNames(graph: Pick<Graph, "nodes">): Set<string> {
  const names = new Set<string>();
  for (const node of graph.nodes) for (const name of capturedBy(node)) names.add(name);
  return names;
}

/** Every name in a node: its own, those of its values, of its body, and of the graphs inside of it. */
export function* namesIn(node: Node): Generator<string> {
  yield node.name;
  yield* node.inputs;
  yield* capturedBy(node);
  yield* node.outputs;
  for (const part of node.body ?? []) yield* namesIn(part);
  for (const { inputs, outputs, initializers, nodes } of subgraphsOf(node)) {
    for (const { name } of [...inputs, ...outputs]) yield name;
    yield* initializers.keys();
    for (const inner of nodes) yield* namesIn(inner);
  }
}

/** Indexes a graph by its values. What the graphs inside of nodes read counts as output, too, since it must keep its name. */
export function usesOf(graph: Graph): Uses {
  const producer = new Map<string, Node>();
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== "") producer.set(output, node);
    for (const name of readBy(node)) {
      const list = consumers.get(name);
      // An input may be given twice.
      if (!list) consumers.set(name, [node]);
      else if (list.at(-1) !== node) list.push(node);
    }
  }
  const pinned = capturedNames(graph);
  for (const output of graph.outputs) pinned.add(output.name);
  return { producer, consumers, isOutput: (value) => pinned.has(value) };
}
