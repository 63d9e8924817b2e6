/**
 * The typed graph that all stages share: ONNX without protobuf. Values are named by strings, as in ONNX; everything
 * is read-only, so that a stage returns a new graph and shares what it did not change (weights above all).
 */

/** Element types, named as ONNX Runtime's JavaScript API names them. */
export type DataType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool"
  | "string";

/** A known size, or the name of a size that is known only at run time (the batch, mostly). */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** The sizes of a shape, if it has no symbols. */
export const fixedDims = (shape: Shape): readonly number[] | undefined =>
  shape.every((dim) => typeof dim === "number") ? shape : undefined;

/** Constant data: row-major, little-endian bytes, usually an unaligned view on the bytes of the file it came from. */
export interface Tensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
  /** As {@link roundingOf} gives it, where the numbers were computed from others that were stored less precisely. */
  readonly rounding?: number;
}

export type Attribute =
  | { readonly type: "int"; readonly value: number }
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "tensor"; readonly value: Tensor }
  | { readonly type: "ints"; readonly value: readonly number[] }
  | { readonly type: "floats"; readonly value: readonly number[] }
  | { readonly type: "strings"; readonly value: readonly string[] }
  /** The graph inside of a node: a branch of If, the body of Loop and Scan. */
  | { readonly type: "graph"; readonly value: Subgraph }
  /** Anything else (types, several graphs), kept as the encoded AttributeProto and written back untouched. */
  | { readonly type: "opaque"; readonly value: Uint8Array };

export type Attributes = Readonly<Record<string, Attribute>>;

export interface Node {
  readonly name: string;
  readonly opType: string;
  /** "" is ai.onnx. */
  readonly domain: string;
  /** Value names; "" marks an optional input that is absent. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /**
   * For a node that canonicalization recognised in several (a GELU spelled out, MatMul and its Add): the nodes it
   * stands for. The writer emits these, so that recognising never changes a bit of the forward pass.
   */
  readonly body?: readonly Node[];
}

/** What is known of a value: its type, its sizes and, for constants and shape arithmetic, its content. */
export interface TensorInfo {
  readonly dataType: DataType;
  readonly shape: Shape;
  /** Content, if it is a constant of the graph. */
  readonly constant?: Tensor;
  /** Elements of an integer scalar or vector that shape arithmetic knows, symbolic sizes included. */
  readonly elements?: readonly Dim[];
}

/** A named value with what is known of it. */
export interface Value extends TensorInfo {
  readonly name: string;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** What the file says of values in between, by name: believed only where nothing can be inferred. */
  readonly hints?: ReadonlyMap<string, Value>;
}

/** A graph inside of a node. Its nodes also see the values of the graphs around it, by their names. */
export interface Subgraph {
  readonly name: string;
  readonly inputs: readonly SubgraphValue[];
  readonly outputs: readonly SubgraphValue[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** In topological order. */
  readonly nodes: readonly Node[];
}

/** An input or output of a graph inside of a node: files may leave out its type, and it may be no tensor. */
export interface SubgraphValue {
  readonly name: string;
  /** The encoded ValueInfoProto, written back untouched. */
  readonly declaration: Uint8Array;
}

export interface Model {
  readonly irVersion: number;
  /** Operator-set versions by domain; "" is ai.onnx. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly producer: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly graph: Graph;
}

export const int = (value: number): Attribute => ({ type: "int", value });
export const float = (value: number): Attribute => ({ type: "float", value });
export const string = (value: string): Attribute => ({ type: "string", value });
export const ints = (value: readonly number[]): Attribute => ({ type: "ints", value });
export const floats = (value: readonly number[]): Attribute => ({ type: "floats", value });

/** The attribute's number, or the default that the operator's specification gives. */
export function numberAttribute(node: Node, name: string, orElse: number): number {
  const attribute = node.attributes[name];
  return attribute?.type === "int" || attribute?.type === "float" ? attribute.value : orElse;
}

export function stringAttribute(node: Node, name: string, orElse: string): string {
  const attribute = node.attributes[name];
  return attribute?.type === "string" ? attribute.value : orElse;
}

export function intsAttribute(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes[name];
  return attribute?.type === "ints" ? attribute.value : undefined;
}

export function tensorAttribute(node: Node, name: string): Tensor | undefined {
  const attribute = node.attributes[name];
  return attribute?.type === "tensor" ? attribute.value : undefined;
}

export function graphAttribute(node: Node, name: string): Subgraph | undefined {
  const attribute = node.attributes[name];
  return attribute?.type === "graph" ? attribute.value : undefined;
}

/** The graphs inside of a node. */
export const subgraphsOf = (node: Node): readonly Subgraph[] =>
  Object.values(node.attributes).flatMap((attribute) =>
    attribute.type === "graph" ? [attribute.value] : [],
  );

/** Who makes and who uses each value of a graph. */
export interface Uses {
  readonly producer: ReadonlyMap<string, Node>;
  readonly consumers: ReadonlyMap<string, readonly Node[]>;
  readonly isOutput: (value: string) => boolean;
}

export function usesOf(graph: Graph): Uses {
  const producer = new Map<string, Node>();
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) producer.set(output, node);
    for (const input of new Set(node.inputs)) {
      const list = consumers.get(input);
      if (list) list.push(node);
      else consumers.set(input, [node]);
    }
  }
  const outputs = new Set(graph.outputs.map((output) => output.name));
  return { producer, consumers, isOutput: (value) => outputs.has(value) };
}

/** The only node that uses a value, or undefined if there are several, none, or it is an output of the graph. */
export function soleConsumer(uses: Uses, value: string): Node | undefined {
  const consumers = uses.consumers.get(value) ?? [];
  return consumers.length === 1 && !uses.isOutput(value) ? consumers[0] : undefined;
}
