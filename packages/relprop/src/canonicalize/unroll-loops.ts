/**
 * Replaces a Loop or Scan that has a constant number of rounds by the nodes of its body, once for each round. Constants
 * that a loop computes (grids of indices, masks) are folded afterwards, and relevance crosses the other rounds.
 */

import { wrapped } from "../onnx/axis.ts";
import {
  type Graph,
  type Node,
  type Subgraph,
  type Tensor,
  type Value,
  graphAttribute,
  int,
  intsAttribute,
  numberAttribute,
  subgraphsOf,
} from "../onnx/graph.ts";
import { type AttributesThen, type InputsOf, type OneOutput, onnxNode } from "../onnx/operator-node.ts";
import { bigIntegersOf, int64Tensor, numbersOf } from "../onnx/tensor.ts";
import { ConstantExpressions } from "./constant-expressions.ts";
import { inlineSubgraph } from "./inline-subgraph.ts";
import { type Refuse, type Rewrite, edited, identity, isOnnx, namer } from "./rewrite.ts";

/** Limit of nodes for all rounds of one loop, which bounds the time to compile. */
const maxNodes = 20_000;

/** Limit of nodes for a graph with all its loops. */
const maxTotal = 60_000;

const yes: Tensor = { dataType: "bool", dims: [], bytes: Uint8Array.of(1) };

/** The nodes and constants of a loop while it is unrolled. */
class Unrolled {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly newName: (base: string) => string;
  readonly #expressions: ConstantExpressions;

  constructor(newName: (base: string) => string, expressions: ConstantExpressions) {
    this.newName = newName;
    this.#expressions = expressions;
  }

  add(nodes: readonly Node[], initializers: ReadonlyMap<string, Tensor> = new Map()): void {
    this.nodes.push(...nodes);
    for (const [name, tensor] of initializers) this.initializers.set(name, tensor);
    this.#expressions.add(nodes, initializers);
  }

  /** Adds a constant and returns its name. */
  constant(base: string, tensor: Tensor): string {
    const name = this.newName(base);
    this.add([], new Map([[name, tensor]]));
    return name;
  }

  /** Adds a node with one output and returns the output's name. */
  op<K extends OneOutput>(
    opType: K,
    inputs: InputsOf<K, string>,
    base: string,
    ...attributes: AttributesThen<K>
  ): string {
    const name = this.newName(base);
    this.add([onnxNode(opType, inputs, [name], ...attributes)]);
    return name;
  }

  /** The content of a value, if it is constant. */
  tensor(name: string): Tensor | undefined {
    return this.#expressions.tensor(name);
  }
}

/** Stacks one value of each round along a new axis. */
function collect(
  to: Unrolled,
  parts: readonly string[],
  output: string,
  axis: number,
  reverse: boolean,
): void {
  const at = to.constant(`${output}_axis`, int64Tensor([axis]));
  const slices = parts.map((part) => to.op("Unsqueeze", [part, at], `${output}_part`));
  const ordered = reverse ? slices.toReversed() : slices;
  to.add([onnxNode("Concat", ordered, [output], { axis: int(axis) })]);
}

/** Why a loop stays, as a sentence about it; undefined if it was unrolled. */
type Outcome = string | undefined;

/** Why this number of rounds is too many; undefined if it is not. */
type TooLong = (rounds: number) => Outcome;

/**
 * The number of nodes of a graph once its inner loops are unrolled. A loop counts once if its limit is unknown, or too
 * large to be unrolled: then its condition ends it.
 */
function unrolledSize(graph: Subgraph, roundsOf: (name: string) => Tensor | undefined): number {
  const inside = (name: string): Tensor | undefined => graph.initializers.get(name) ?? roundsOf(name);
  return graph.nodes.reduce((sum, node) => {
    const limit = isOnnx(node, "Loop") ? inside(node.inputs[0] ?? "") : undefined;
    const most = limit ? (numbersOf(limit)[0] ?? 1) : 1;
    const rounds = most > maxNodes ? 1 : most;
    const sizes = subgraphsOf(node).map((inner) => unrolledSize(inner, inside));
    return sum + 1 + rounds * Math.max(0, ...sizes);
  }, 0);
}

function limitOf(body: Subgraph, to: Unrolled, taken: number): TooLong {
  const size = unrolledSize(body, (name) => to.tensor(name));
  const most = Math.min(maxNodes, maxTotal - taken);
  return (rounds) =>
    rounds * (1 + size) > most ? `the nodes of all its rounds are more than ${most} nodes` : undefined;
}

/**
 * Inputs of Loop: rounds, condition, carried values. Inputs of its body: round, condition, carried values; outputs:
 * condition, carried values, collected values.
 */
function unrollLoop(node: Node, body: Subgraph, to: Unrolled, tooLong: TooLong): Outcome {
  const [most = "", first = "", ...given] = node.inputs;
  const limit = most === "" ? undefined : to.tensor(most);
  if (most !== "" && !limit) return "its number of rounds is computed at run time";
  const rounds = limit ? bigIntegersOf(limit)[0] : undefined;
  let condition = first === "" ? to.constant(`${node.name}_condition`, yes) : first;
  let carried = given;
  const collected: string[][] = node.outputs.slice(given.length).map(() => []);
  const isLeft = (round: number): boolean => rounds === undefined || BigInt(round) < rounds;
  for (let round = 0; isLeft(round); round++) {
    const goesOn = to.tensor(condition);
    if (!goesOn) return "whether it goes on is computed at run time";
    if (!numbersOf(goesOn)[0]) break;
    const why = tooLong(round);
    if (why !== undefined) return why;
    const index = to.constant(`${node.name}_round`, int64Tensor([round], []));
    const inlined = inlineSubgraph(body, [index, condition, ...carried], to.newName);
    to.add(inlined.nodes, inlined.initializers);
    const [next = "", ...results] = inlined.outputs;
    condition = next;
    carried = results.slice(0, given.length);
    for (const [i, list] of collected.entries()) list.push(results[given.length + i] ?? "");
  }
  if (collected.some((list) => list.length === 0))
    return "it has no rounds, but outputs that collect from each";
  to.add(given.flatMap((_, i) => (node.outputs[i] ? [identity(carried[i] ?? "", node.outputs[i])] : [])));
  for (const [i, parts] of collected.entries()) {
    const output = node.outputs[given.length + i];
    if (output) collect(to, parts, output, 0, false);
  }
  return undefined;
}

/** Inputs of Scan: carried values, then tensors of which each round reads a slice. */
function unrollScan(
  node: Node,
  body: Subgraph,
  to: Unrolled,
  tooLong: TooLong,
  values: ReadonlyMap<string, Value>,
): Outcome {
  const scanned = node.inputs.slice(-numberAttribute(node, "num_scan_inputs", 1));
  const given = node.inputs.slice(0, node.inputs.length - scanned.length);
  const option = (name: string, i: number): number => intsAttribute(node, name)?.[i] ?? 0;
  const axes = scanned.map((name, i) => {
    const rank = values.get(name)?.shape.length ?? 0;
    return wrapped(option("scan_input_axes", i), rank);
  });
  const rounds = values.get(scanned[0] ?? "")?.shape[axes[0] ?? 0];
  if (typeof rounds !== "number") return "the size of the axis that it scans is known at run time only";
  if (rounds === 0) return "it has no rounds";
  const why = tooLong(rounds);
  if (why !== undefined) return why;
  let carried = given;
  const collected: string[][] = node.outputs.slice(given.length).map(() => []);
  for (let round = 0; round < rounds; round++) {
    const slices = scanned.map((name, i) => {
      const at = option("scan_input_directions", i) === 1 ? rounds - 1 - round : round;
      const index = to.constant(`${node.name}_round`, int64Tensor([at], []));
      return to.op("Gather", [name, index], `${name}_slice`, { axis: int(axes[i] ?? 0) });
    });
    const inlined = inlineSubgraph(body, [...carried, ...slices], to.newName);
    to.add(inlined.nodes, inlined.initializers);
    carried = inlined.outputs.slice(0, given.length);
    for (const [i, list] of collected.entries()) list.push(inlined.outputs[given.length + i] ?? "");
  }
  to.add(given.flatMap((_, i) => (node.outputs[i] ? [identity(carried[i] ?? "", node.outputs[i])] : [])));
  for (const [i, parts] of collected.entries()) {
    const output = node.outputs[given.length + i];
    const axis = option("scan_output_axes", i);
    if (output && axis < 0) return "it collects along an axis counted from the end";
    if (output) collect(to, parts, output, axis, option("scan_output_directions", i) === 1);
  }
  return undefined;
}

export const unrollLoops: Rewrite = {
  name: "unroll-loops",
  about: "a Loop or Scan with a constant number of rounds becomes the nodes of its rounds",
  removes: "control flow",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const loops = graph.nodes.filter((node) => isOnnx(node, "Loop", "Scan"));
    if (loops.length === 0) return graph;
    const newName = namer(graph);
    const replace = new Map<Node, readonly Node[]>();
    const initializers = new Map<string, Tensor>();
    let taken = graph.nodes.length;
    for (const node of loops) {
      const body = graphAttribute(node, "body");
      if (!body) continue;
      const to = new Unrolled(newName, new ConstantExpressions(graph, values));
      const tooLong = limitOf(body, to, taken);
      const why = isOnnx(node, "Loop")
        ? unrollLoop(node, body, to, tooLong)
        : unrollScan(node, body, to, tooLong, values);
      if (why !== undefined) {
        refuse(node, why);
        continue;
      }
      for (const [name, tensor] of to.initializers) initializers.set(name, tensor);
      replace.set(node, to.nodes);
      taken += to.nodes.length;
    }
    return replace.size === 0 ? graph : edited(graph, { replace, initializers });
  },
};
