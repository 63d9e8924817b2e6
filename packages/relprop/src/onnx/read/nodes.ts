/** Reads nodes and their subgraphs. A `Constant` node becomes an initializer of its graph. */

import { toBinary } from "@bufbuild/protobuf";
import type { Node, Subgraph, SubgraphValue, Tensor } from "../graph.ts";
import { type GraphProto, type NodeProto, type ValueInfoProto, ValueInfoProtoSchema } from "../onnx_pb.ts";
import { constantOf, readAttributes } from "./attributes.ts";
import { sortedNodes } from "./order.ts";
import { type Source, refuse } from "./source.ts";
import { readTensor } from "./tensor.ts";
import { areText, textConstant } from "./texts.ts";

/** The domain of an operator; ai.onnx may also be written as "". */
export const domainOf = (domain: string): string => (domain === "ai.onnx" ? "" : domain);

/** The constants of a graph while it is read. */
export class Constants {
  readonly tensors = new Map<string, Tensor>();
  /** The nodes that give texts. */
  readonly texts: Node[] = [];
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Their names, texts included. */
  names(): string[] {
    return [...this.tensors.keys(), ...this.texts.map(({ name }) => name)];
  }

  /**
   * Adds a constant; `where` names it in errors.
   * @throws ModelFileError if the name is empty or taken
   */
  add(name: string, tensor: Tensor, where: string): void {
    if (name === "") throw refuse(this.#source, { where, why: "it has no name" });
    if (this.tensors.has(name)) throw refuse(this.#source, { where, why: `there are two values "${name}"` });
    this.tensors.set(name, tensor);
  }
}

/** @throws ModelFileError if the graph has sparse constants */
export function refuseSparse(source: Source, proto: GraphProto): void {
  const [sparse] = proto.sparseInitializer;
  if (!sparse) return;
  const where = `initializer "${sparse.values?.name ?? ""}"`;
  throw refuse(source, { where, why: "it is sparse", fix: "export the model with dense weights" });
}

/** A unique name for each node: its own if it has one that no earlier node has. */
function nodeNames(nodes: readonly NodeProto[]): string[] {
  const counts = new Map<string, number>();
  for (const { name } of nodes) counts.set(name, (counts.get(name) ?? 0) + 1);
  const taken = new Set(counts.keys());
  const seen = new Set<string>();
  return nodes.map(({ name, opType }, index) => {
    if (name !== "" && !seen.has(name)) {
      seen.add(name);
      return name;
    }
    let made = `${opType}_${index}`;
    while (taken.has(made)) made += "_";
    taken.add(made);
    return made;
  });
}

/** The names of all values that a graph defines itself. */
export const valueNames = (proto: GraphProto, initializers: Iterable<string>): Set<string> =>
  new Set([
    ...initializers,
    ...proto.input.map(({ name }) => name),
    ...proto.node.flatMap(({ output }) => output),
  ]);

/**
 * Reads nodes in the order of the file, behind those that give texts; other `Constant` nodes are added to `constants` instead.
 * @param scope names of the values that subgraphs of the nodes can read
 */
export function readNodes(
  source: Source,
  protos: readonly NodeProto[],
  constants: Constants,
  scope: ReadonlySet<string>,
): Node[] {
  const names = nodeNames(protos);
  const nodes: Node[] = [...constants.texts];
  for (const [index, node] of protos.entries()) {
    const name = names[index] ?? "";
    if (node.opType === "") throw refuse(source, { where: `node "${name}"`, why: "it has no operator" });
    const where = `${node.opType} "${name}"`;
    const attributes = readAttributes(source, node, where, (graph) => readSubgraph(source, graph, scope));
    const domain = domainOf(node.domain);
    if (domain === "" && node.opType === "Constant" && !areText(attributes)) {
      constants.add(node.output[0] ?? "", constantOf(source, attributes, where), where);
    } else {
      nodes.push({ name, opType: node.opType, domain, inputs: node.input, outputs: node.output, attributes });
    }
  }
  return nodes;
}

const readDeclaration = (info: ValueInfoProto): SubgraphValue => ({
  name: info.name,
  declaration: toBinary(ValueInfoProtoSchema, info),
});

function readSubgraph(source: Source, proto: GraphProto, outside: ReadonlySet<string>): Subgraph {
  refuseSparse(source, proto);
  const constants = new Constants(source);
  for (const tensor of proto.initializer) {
    const where = `initializer "${tensor.name}"`;
    const texts = textConstant(tensor);
    if (texts) constants.texts.push(texts);
    else constants.add(tensor.name, readTensor(source, tensor, where), where);
  }
  const own = valueNames(proto, constants.names());
  const nodes = readNodes(source, proto.node, constants, new Set([...outside, ...own]));
  const made = new Set(nodes.flatMap((node) => node.outputs));
  // A value of the subgraph hides an outer value of the same name.
  const given = new Set([...outside, ...own].filter((name) => !made.has(name)));
  return {
    name: proto.name,
    inputs: proto.input.map(readDeclaration),
    outputs: proto.output.map(readDeclaration),
    initializers: constants.tensors,
    nodes: sortedNodes(source, nodes, given),
  };
}
