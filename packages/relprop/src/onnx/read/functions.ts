/**
 * Replaces calls of model-local functions (ModelProto.functions), which torch's dynamo exporter and onnxscript write, by
 * the nodes of the function, under new names.
 *
 * Source: https://github.com/onnx/onnx/blob/main/docs/IR.md#functions
 */

import { clone, create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
} from "../onnx_pb.ts";
import { type Source, refuse } from "./source.ts";

/** Limit of nodes after inlining: functions that each call another one twice grow as powers of two. */
const maxNodes = 1_000_000;
const maxDepth = 100;

interface Callee {
  readonly domain: string;
  readonly name: string;
  readonly overload: string;
}

const keyOf = ({ domain, name, overload }: Callee): string =>
  JSON.stringify([domain === "ai.onnx" ? "" : domain, name, overload]);

const calleeOf = ({ domain, opType, overload }: NodeProto): string =>
  keyOf({ domain, name: opType, overload });

/**
 * Replaces all calls in a graph and its subgraphs.
 * @param constants names of the graph's initializers
 * @throws ModelFileError if a function is recursive, defined twice, or has fewer inputs or outputs than a call
 */
export function inlineFunctions(
  source: Source,
  graph: GraphProto,
  functions: readonly FunctionProto[],
  constants: Iterable<string>,
): void {
  if (functions.length === 0) return;
  const inliner = new Inliner(source, functions, [...constants, ...allNames(graph)]);
  inliner.checkSize(graph);
  graph.node = inliner.inlined(graph.node);
}

function* allNames(graph: GraphProto): Generator<string> {
  for (const { name } of [...graph.input, ...graph.output, ...graph.initializer]) yield name;
  for (const node of graph.node) {
    yield* node.input;
    yield* node.output;
    for (const inner of graphsOf(node)) yield* allNames(inner);
  }
}

const graphsOf = ({ attribute }: NodeProto): GraphProto[] =>
  attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));

/** New names by old names; names of outer graphs are not in it. */
type Names = ReadonlyMap<string, string>;

class Inliner {
  readonly #source: Source;
  readonly #functions = new Map<string, FunctionProto>();
  readonly #taken: Set<string>;
  /** The number to try next in the search for an unused name, by its beginning. */
  readonly #counts = new Map<string, number>();
  /** The number of nodes of a function, including those of the functions that it calls. */
  readonly #sizes = new Map<FunctionProto, number>();

  constructor(source: Source, functions: readonly FunctionProto[], taken: Iterable<string>) {
    this.#source = source;
    this.#taken = new Set(taken);
    for (const each of functions) {
      const key = keyOf(each);
      if (this.#functions.has(key)) {
        throw refuse(source, { where: `function "${each.name}"`, why: "it is defined twice" });
      }
      this.#functions.set(key, each);
    }
  }

  /** @throws ModelFileError if a function is recursive, or the inlined graph would be too large */
  checkSize(graph: GraphProto): void {
    const size = this.#sizeOf(graph.node, []);
    if (size <= maxNodes) return;
    throw refuse(this.#source, { why: `with its functions inlined, it has more than ${maxNodes} nodes` });
  }

  #sizeOf(nodes: readonly NodeProto[], stack: readonly FunctionProto[]): number {
    let size = 0;
    for (const node of nodes) {
      const callee = this.#functions.get(calleeOf(node));
      if (callee && (stack.includes(callee) || stack.length > maxDepth)) {
        const where = `${node.opType} "${node.name}"`;
        const isCycle = stack.includes(callee);
        const does = isCycle ? "calls itself" : `comes after ${maxDepth} others that call each other`;
        throw refuse(this.#source, { where, why: `the function "${callee.name}" ${does}` });
      }
      if (callee) {
        const inner = this.#sizes.get(callee) ?? this.#sizeOf(callee.node, [...stack, callee]);
        this.#sizes.set(callee, inner);
        // A call counts too: a function may hand on its input, and have no nodes.
        size += 1 + inner;
      } else {
        for (const inner of graphsOf(node)) size += this.#sizeOf(inner.node, stack);
        size += 1;
      }
    }
    return size;
  }

  /** The nodes with all calls replaced. */
  inlined(nodes: readonly NodeProto[]): NodeProto[] {
    return nodes.flatMap((node) => {
      for (const inner of graphsOf(node)) inner.node = this.inlined(inner.node);
      const callee = this.#functions.get(calleeOf(node));
      return callee ? this.#body(node, callee) : [node];
    });
  }

  #body(call: NodeProto, callee: FunctionProto): NodeProto[] {
    if (call.input.length > callee.input.length || call.output.length > callee.output.length) {
      const formal = `${callee.input.length} inputs and ${callee.output.length} outputs`;
      const where = `${call.opType} "${call.name}"`;
      throw refuse(this.#source, { where, why: `the function "${callee.name}" has only ${formal}` });
    }
    const prefix = call.name === "" ? call.opType : call.name;
    const names = new Map<string, string>();
    for (const [i, name] of callee.output.entries()) {
      names.set(name, call.output[i] || this.#fresh(prefix, name));
    }
    // An output of the function that is also an input gets an Identity below.
    for (const [i, name] of callee.input.entries()) names.set(name, call.input[i] ?? "");
    const nodes = this.#renamed(callee.node, names, prefix, attributesOf(call, callee));
    for (const [i, name] of callee.output.entries()) {
      const [from, to] = [names.get(name) ?? "", call.output[i] ?? ""];
      if (!callee.input.includes(name) || to === "") continue;
      nodes.push(create(NodeProtoSchema, { opType: "Identity", input: [from], output: [to] }));
    }
    return this.inlined(nodes);
  }

  /** Copies of nodes with new names for their values, and values for the function's parameters. */
  #renamed(
    nodes: readonly NodeProto[],
    outer: Names,
    prefix: string,
    parameters: ReadonlyMap<string, AttributeProto>,
  ): NodeProto[] {
    const names = new Map(outer);
    for (const name of nodes.flatMap((node) => node.output)) {
      if (name !== "" && !names.has(name)) names.set(name, this.#fresh(prefix, name));
    }
    const rename = (name: string): string => names.get(name) ?? name;
    return nodes.map((node) => {
      const copy = clone(NodeProtoSchema, node);
      copy.name = `${prefix}/${node.name === "" ? node.opType : node.name}`;
      copy.input = node.input.map(rename);
      copy.output = node.output.map(rename);
      copy.attribute = copy.attribute.flatMap((attribute) => filledIn(attribute, parameters));
      for (const inner of graphsOf(copy)) this.#renameGraph(inner, names, prefix, parameters);
      return copy;
    });
  }

  #renameGraph(
    graph: GraphProto,
    outer: Names,
    prefix: string,
    parameters: ReadonlyMap<string, AttributeProto>,
  ): void {
    const names = new Map(outer);
    const own = [...graph.input, ...graph.initializer].map(({ name }) => name);
    for (const name of [...own, ...graph.node.flatMap((node) => node.output)]) {
      if (name !== "") names.set(name, this.#fresh(prefix, name));
    }
    for (const value of [...graph.input, ...graph.initializer, ...graph.output]) {
      value.name = names.get(value.name) ?? value.name;
    }
    graph.valueInfo = [];
    graph.node = this.#renamed(graph.node, names, prefix, parameters);
  }

  #fresh(prefix: string, base: string): string {
    const whole = `${prefix}/${base}`;
    let name = whole;
    let count = this.#counts.get(whole) ?? 1;
    while (this.#taken.has(name)) name = `${whole}_${++count}`;
    this.#counts.set(whole, count);
    this.#taken.add(name);
    return name;
  }
}

/** The parameters of a function at a call: the attributes of the call, else the defaults. */
function attributesOf(call: NodeProto, { attributeProto }: FunctionProto): Map<string, AttributeProto> {
  return new Map([...attributeProto, ...call.attribute].map((attribute) => [attribute.name, attribute]));
}

/** The attribute with the value of its parameter; empty if the call leaves out a parameter without a default. */
function filledIn(
  attribute: AttributeProto,
  parameters: ReadonlyMap<string, AttributeProto>,
): readonly AttributeProto[] {
  if (attribute.refAttrName === "") return [attribute];
  const given = parameters.get(attribute.refAttrName);
  if (!given) return [];
  const copy = clone(AttributeProtoSchema, given);
  copy.name = attribute.name;
  return [copy];
}
