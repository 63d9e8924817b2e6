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
/** The sizes of a tensor, outermost axis first. */
export type Shape = readonly Dim[];

/** The sizes of a shape, if it has no symbols. */
export const fixedDims = (shape: Shape): readonly number[] | undefined =>
  shape.every((dim) => typeof dim === "number") ? shape : undefined;

/** Constant data: row-major, little-endian bytes, usually an unaligned view on the bytes of the file it came from. */
export interface Tensor {
  /** What its elements are. */
  readonly dataType: DataType;
  /** Sizes, outermost axis first; none for a scalar. */
  readonly dims: readonly number[];
  /** The elements, row-major and little-endian; of sub-byte types two or more share a byte. */
  readonly bytes: Uint8Array;
  /** How far an element may be from the one that was meant, as a share of it (2⁻¹¹ for what was float16), where the numbers were computed from others that were stored less precisely. */
  readonly rounding?: number;
}

/** What attributes can hold, by the name of their type. */
export interface AttributeValues {
  /** A whole number. */
  readonly int: number;
  /** A real number. */
  readonly float: number;
  /** A text, in UTF-8. */
  readonly string: string;
  /** A constant. */
  readonly tensor: Tensor;
  /** Whole numbers. */
  readonly ints: readonly number[];
  /** Real numbers. */
  readonly floats: readonly number[];
  /** Texts. */
  readonly strings: readonly string[];
  /** The graph inside of a node: a branch of If, the body of Loop and Scan. */
  readonly graph: Subgraph;
  /** Anything else (types, several graphs): the encoded AttributeProto, written back untouched. */
  readonly opaque: Uint8Array;
}

/** What a node is told besides its inputs: a type and its value, as {@link AttributeValues} has them. */
export type Attribute = {
  readonly [Type in keyof AttributeValues]: { readonly type: Type; readonly value: AttributeValues[Type] };
}[keyof AttributeValues];

/** An attribute of one type. */
export type AttributeOf<Type extends keyof AttributeValues> = Extract<Attribute, { readonly type: Type }>;

/** The attributes of a node, by name. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** One operation of a graph. */
export interface Node {
  /** Its own name, unique among the nodes of a graph that was read. */
  readonly name: string;
  /** Which operator of its domain it is: `Conv`, `Gelu`. */
  readonly opType: string;
  /** "" is ai.onnx. */
  readonly domain: string;
  /** Value names; "" marks an optional input that is absent. */
  readonly inputs: readonly string[];
  /** Names of the values that it makes; "" marks an optional output that nobody uses. */
  readonly outputs: readonly string[];
  /** What the operator is told besides its inputs. */
  readonly attributes: Attributes;
  /**
   * For a node that canonicalization recognised in several (a GELU spelled out, MatMul and its Add): the nodes it
   * stands for. The writer emits these, so that recognising never changes a bit of the forward pass.
   */
  readonly body?: readonly Node[];
  /** For a node that the model itself does not have: what it was made for. */
  readonly owner?: Owner;
}

/** The nodes that a node is written as: itself, or those of its body, taken apart in turn. */
export const writtenAs = (node: Node): readonly Node[] => node.body?.flatMap(writtenAs) ?? [node];

/** What a node was made for. */
export interface Owner {
  /** Name of a node of the model; of its input, where no node makes what is meant. */
  readonly node: string;
  /** The rule that it belongs to, as text. */
  readonly rule?: string;
}

/** What is known of a value: its type, its sizes and, for constants and shape arithmetic, its content. */
export interface TensorInfo {
  /** What its elements are. */
  readonly dataType: DataType;
  /** Its sizes, as far as they are known. */
  readonly shape: Shape;
  /** Content, if it is a constant of the graph. */
  readonly constant?: Tensor;
  /** Elements of an integer scalar or vector that shape arithmetic knows, symbolic sizes included. */
  readonly elements?: readonly Dim[];
}

/** Gives what is known of a node's outputs, or undefined where not even the rank can be known. */
export type ShapeOf = (node: Node, inputs: readonly (TensorInfo | undefined)[]) => TensorInfo[] | undefined;

/** Shape rules of operators that are not ONNX's, by "domain/OpType". */
export type OperatorShapes = ReadonlyMap<string, ShapeOf>;

/** An operator's domain and name as one text: `my.lab/SwiReLU`. */
export const operatorKey = ({ domain, opType }: Pick<Node, "domain" | "opType">): string =>
  `${domain === "" ? "ai.onnx" : domain}/${opType}`;

/** A named value with what is known of it. */
export interface Value extends TensorInfo {
  /** What nodes call it. */
  readonly name: string;
}

/** Inputs, weights and the operations that lead to the outputs. */
export interface Graph {
  /** What the file calls it. */
  readonly name: string;
  /** What a run must be given. */
  readonly inputs: readonly Value[];
  /** What a run gives. */
  readonly outputs: readonly Value[];
  /** Constants by name: weights, sizes. */
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** What the file says of values in between, by name: believed only where nothing can be inferred. */
  readonly hints?: ReadonlyMap<string, Value>;
  /** While it is worked on: shape rules of operators that are not ONNX's. */
  readonly shapes?: OperatorShapes;
}

/** A graph inside of a node. Its nodes also see the values of the graphs around it, by their names. */
export interface Subgraph {
  /** What the file calls it. */
  readonly name: string;
  /** What the node around it hands in: nothing for branches of If, the state for Loop and Scan. */
  readonly inputs: readonly SubgraphValue[];
  /** What it hands back. */
  readonly outputs: readonly SubgraphValue[];
  /** Constants by name. */
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** In topological order. */
  readonly nodes: readonly Node[];
}

/** An input or output of a graph inside of a node: files may leave out its type, and it may be no tensor. */
export interface SubgraphValue {
  /** What nodes call it. */
  readonly name: string;
  /** The encoded ValueInfoProto, written back untouched. */
  readonly declaration: Uint8Array;
}

/** A function of the model that stays one: its calls are nodes of its domain and name. */
export interface ModelFunction {
  /** The domain of the nodes that call it. */
  readonly domain: string;
  /** The operator of the nodes that call it. */
  readonly name: string;
  /** The version of ai.onnx that it is written in. */
  readonly opset: number;
  /** The operators of ai.onnx that it is written with. */
  readonly operators: readonly string[];
  /** The encoded FunctionProto, written back untouched. */
  readonly encoded: Uint8Array;
}

/** An ONNX file: a graph, and the versions that it is written in. */
export interface Model {
  /** The version of the file format. */
  readonly irVersion: number;
  /** Operator-set versions by domain; "" is ai.onnx. */
  readonly opsets: Readonly<Record<string, number>>;
  /** The program that wrote the file. */
  readonly producer: string;
  /** Whatever the producer noted, by key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The network itself. */
  readonly graph: Graph;
  /** Those that {@link readModel} was asked to leave whole, and those that they call. */
  readonly functions?: readonly ModelFunction[];
}

/** A whole number as an attribute. */
export const int = (value: number): AttributeOf<"int"> => ({ type: "int", value });
/** A real number as an attribute. */
export const float = (value: number): AttributeOf<"float"> => ({ type: "float", value });
/** A text as an attribute. */
export const string = (value: string): AttributeOf<"string"> => ({ type: "string", value });
/** Whole numbers as an attribute. */
export const ints = (value: readonly number[]): AttributeOf<"ints"> => ({ type: "ints", value });
/** Real numbers as an attribute. */
export const floats = (value: readonly number[]): AttributeOf<"floats"> => ({ type: "floats", value });

/** The attribute's number, or the default that the operator's specification gives. */
export function numberAttribute(node: Node, name: string, orElse: number): number {
  const attribute = node.attributes[name];
  return attribute?.type === "int" || attribute?.type === "float" ? attribute.value : orElse;
}

/** The attribute's text, or the default that the operator's specification gives. */
export function stringAttribute(node: Node, name: string, orElse: string): string {
  const attribute = node.attributes[name];
  return attribute?.type === "string" ? attribute.value : orElse;
}

/** The attribute's whole numbers; undefined if the node has none of that name. */
export function intsAttribute(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes[name];
  return attribute?.type === "ints" ? attribute.value : undefined;
}

/** The attribute's real numbers; none if the node has none of that name. */
export function floatsAttribute(node: Node, name: string): readonly number[] {
  const attribute = node.attributes[name];
  return attribute?.type === "floats" ? attribute.value : [];
}

/** The attribute's constant; undefined if the node has none of that name. */
export function tensorAttribute(node: Node, name: string): Tensor | undefined {
  const attribute = node.attributes[name];
  return attribute?.type === "tensor" ? attribute.value : undefined;
}

/** The graph that the attribute holds; undefined if the node has none of that name. */
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
  /** The node that makes a value; none for inputs and constants. */
  readonly producer: ReadonlyMap<string, Node>;
  /** The nodes that use a value, each once. */
  readonly consumers: ReadonlyMap<string, readonly Node[]>;
  /** Whether a value must keep its name: it is an output of the graph, or a graph inside of a node reads it. */
  readonly isOutput: (value: string) => boolean;
}
