/**
 * Builds a graph node by node, in the order the nodes compute. Shapes are inferred as it goes, so that whoever builds
 * can ask a value for its sizes; a node that was built before with the same inputs and attributes, or adopted, is not
 * built twice.
 */

import { namesIn } from "./captures.ts";
import {
  type Attributes,
  type DataType,
  type Graph,
  type Node,
  type OperatorShapes,
  type Owner,
  type Shape,
  type Tensor,
  type Value,
} from "./graph.ts";
import { inferNode } from "./infer-shapes.ts";
import {
  type AttributesOf,
  type AttributesThen,
  type InputsOf,
  type ListOf,
  type OneOutput,
  type OperatorName,
  type OutputCountOf,
  namesOf,
  onnxNode,
} from "./operator-node.ts";
import { float32Tensor, int64Tensor } from "./tensor.ts";
import { sure } from "../sure.ts";

/** What the nodes that are built meanwhile are called, `name/…`, and what they are made for. */
export interface Scope {
  /** What the names of the nodes begin with: `lrp/conv1`. */
  readonly name: string;
  /** The node of the model, and the rule, that they belong to. */
  readonly owner: Owner;
}

/** Operators whose names are abbreviations, as words of a name; all others go by their own. */
const words: Readonly<Record<string, string>> = {
  Sub: "subtract",
  Mul: "multiply",
  Div: "divide",
  Neg: "negate",
};

/** `ReduceSum` -> `reduce-sum` */
const wordOf = (opType: string): string =>
  words[opType] ?? opType.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();

/**
 * Builds a graph node by node, in the order that they compute. Shapes are inferred on the way; an operator with the inputs and
 * attributes of an earlier one is that one. Node names are given, and unique.
 *
 * @example
 *     const b = new GraphBuilder();
 *     const x = b.input("x", "float32", ["N", 8]);
 *     b.output(b.op("Relu", [x]), "y");
 *     const graph = b.graph("relu");
 */
export class GraphBuilder {
  readonly #values = new Map<string, Value>();
  readonly #initializers = new Map<string, Tensor>();
  readonly #nodes: Node[] = [];
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  readonly #built = new Map<string, readonly Value[]>();
  readonly #constants = new Map<string, Value>();
  readonly #taken = new Set<string>();
  #shapes: OperatorShapes | undefined;
  /** Where the search for a free number ended, by the name that gets it. */
  readonly #next = new Map<string, number>();
  #scope: Scope | undefined;
  /** The builder of the graph around this one. */
  readonly #outer: GraphBuilder | undefined;

  /**
   * @param scope of all that is built in no other
   * @param outer the builder of the graph around this one, see {@link inner}
   */
  constructor(scope?: Scope, outer?: GraphBuilder) {
    this.#scope = scope;
    this.#outer = outer;
  }

  /**
   * A builder of a graph inside of a node of this one. Its names are used nowhere else, and its nodes can use the values of this
   * graph.
   * @param word what the names of its nodes begin with, after this scope's
   */
  inner(word: string): GraphBuilder {
    const scope = this.#scope && { ...this.#scope, name: this.#named(word) };
    return new GraphBuilder(scope, this);
  }

  /**
   * Names what is built meanwhile: `lrp/conv1/divide` in the scope `lrp/conv1`. A node that is there already keeps its name and owner.
   * @param scope takes the place of the scope around it; a word says what is done in that: `lrp/conv1/transpose/conv`
   */
  within<T>(scope: Scope | string, build: () => T): T {
    const around = this.#scope;
    this.#scope =
      typeof scope === "string" ? around && { ...around, name: `${around.name}/${scope}` } : scope;
    try {
      return build();
    } finally {
      this.#scope = around;
    }
  }

  /** Declares an input of the graph, under this very name. */
  input(name: string, dataType: DataType, shape: Shape): Value {
    // Only inputs of the whole model are named by their users.
    const own = this.#outer ? this.#reserve(this.#named(name)) : name;
    this.#taken.add(own);
    const value = this.#define({ name: own, dataType, shape });
    this.#inputs.push(value);
    return value;
  }

  /** The inputs so far. */
  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  /** The same elements under another name, by a node of its own. */
  copy(value: Value): Value {
    const name = this.#reserve(this.#named("copy"));
    return sure(this.add(this.#owned(onnxNode("Identity", [value.name], [name])))[0]);
  }

  /** Takes over a whole graph, its inputs and outputs included, with what is known of its values. */
  adopt(graph: Graph, values: ReadonlyMap<string, Value>): void {
    this.#shapes = graph.shapes;
    for (const input of graph.inputs) this.#inputs.push(input);
    const open = new Set(graph.inputs.flatMap(({ shape }) => shape));
    // A size that an input leaves open is open in an output, whatever that declares: ONNX Runtime would take it at its word.
    for (const output of graph.outputs) {
      const known = values.get(output.name)?.shape ?? [];
      const shape = output.shape.map((dim, axis) => {
        const inferred = known[axis];
        return typeof inferred === "string" && open.has(inferred) ? inferred : dim;
      });
      this.#outputs.push({ ...output, shape });
    }
    for (const [name, tensor] of graph.initializers) this.#initializers.set(name, tensor);
    for (const node of graph.nodes) {
      this.#nodes.push(node);
      for (const name of namesIn(node)) this.#taken.add(name);
    }
    for (const [name, value] of values) {
      this.#values.set(name, value);
      this.#taken.add(name);
    }
    for (const node of graph.nodes) {
      const outputs = node.outputs.flatMap((name) => this.#values.get(name) ?? []);
      if (node.domain === "" && outputs.length === node.outputs.length) {
        this.#built.set(keyOf(node.opType, node.inputs, outputs.length, node.attributes), outputs);
      }
    }
  }

  /** Adds constant data under a name; small unnamed constants are {@link scalar} and {@link integers}. */
  constant(tensor: Tensor, name: string): Value {
    const value = this.#define({
      name: this.#reserve(name),
      dataType: tensor.dataType,
      shape: tensor.dims,
      constant: tensor,
    });
    this.#initializers.set(value.name, tensor);
    return value;
  }

  /** A float32 scalar. */
  scalar(number: number): Value {
    return this.#shared(`scalar ${number}`, () =>
      this.constant(float32Tensor([number], []), `value_${number}`),
    );
  }

  /** A float32 constant of a few numbers (a vector unless `dims` says otherwise). */
  numbers(numbers: readonly number[], dims: readonly number[] = [numbers.length]): Value {
    const key = `numbers ${dims.join(",")}: ${numbers.join(",")}`;
    return this.#shared(key, () => this.constant(float32Tensor(numbers, dims), "numbers"));
  }

  /** An int64 vector: axes, sizes, pads. */
  integers(integers: readonly number[]): Value {
    return this.#shared(`integers ${integers.join(",")}`, () =>
      this.constant(int64Tensor(integers), "integers"),
    );
  }

  /** An int64 scalar. */
  integer(integer: number): Value {
    return this.#shared(`integer ${integer}`, () =>
      this.constant(int64Tensor([integer], []), `integer_${integer}`),
    );
  }

  /** Adds an operator with one output and gives that output. */
  op<K extends OneOutput>(
    opType: K,
    inputs: InputsOf<K, Value>,
    ...[attributes = {}, name]: AttributesThen<K, [name?: string]>
  ): Value {
    return sure(this.#build(opType, inputs, attributes, 1, name)[0]);
  }

  /** Adds an operator with several outputs. */
  ops<K extends OperatorName, Count extends number>(
    opType: K,
    inputs: InputsOf<K, Value>,
    attributes: AttributesOf<K>,
    outputCount: Count & OutputCountOf<K>,
    name?: string,
  ): ListOf<Value, Count> {
    return this.#build(opType, inputs, attributes, outputCount, name) as ListOf<Value, Count>;
  }

  /** Adds the operator of a node that there is, with its attributes, on other inputs: {@link op} where no name is known. */
  like(node: Pick<Node, "opType" | "attributes">, inputs: readonly (Value | undefined)[]): Value {
    return sure(this.allLike(node, inputs, 1)[0]);
  }

  /** {@link like} of an operator with several outputs. */
  allLike(
    { opType, attributes }: Pick<Node, "opType" | "attributes">,
    inputs: readonly (Value | undefined)[],
    outputCount: number,
  ): readonly Value[] {
    // Taken on trust: whoever made the node said what it is.
    return this.#build(
      opType as OperatorName,
      inputs as InputsOf<OperatorName, Value>,
      attributes as AttributesOf<OperatorName>,
      outputCount,
    );
  }

  #build(
    opType: OperatorName,
    inputs: InputsOf<OperatorName, Value>,
    attributes: AttributesOf<OperatorName>,
    outputCount: number,
    name?: string,
  ): readonly Value[] {
    const names = namesOf(inputs, (value: Value) => value.name);
    const key = keyOf(opType, names, outputCount, attributes);
    const before = this.#built.get(key);
    if (before) return before;
    const nodeName = this.#reserve(this.#named(name ?? (this.#scope ? wordOf(opType) : opType)));
    const outputs = Array.from({ length: outputCount }, (_, i) =>
      outputCount === 1 ? nodeName : this.#reserve(`${nodeName}_${i}`),
    );
    const values = this.add(this.#owned(onnxNode(opType, names, outputs, attributes, nodeName)));
    this.#built.set(key, values);
    return values;
  }

  /** States the sizes of a value whose builder knows more of them than inference can find out. */
  refine(value: Value, shape: Shape): Value {
    return sameSizes(value.shape, shape) ? value : this.#define({ ...value, shape });
  }

  /** Adds a node as it is; its inputs must be known already. Gives its outputs. */
  add(node: Node): readonly Value[] {
    const inputs = node.inputs.map((input) => (input === "" ? undefined : this.value(input)));
    const infos = inferNode(node, inputs, this.#shapes);
    this.#nodes.push(node);
    for (const output of node.outputs) if (output !== "") this.#taken.add(output);
    return node.outputs.map((name, i) =>
      this.#define({ name, ...(infos[i] ?? { dataType: "float32", shape: [] }) }),
    );
  }

  /** Declares a value an output of the graph, under its own name or, by way of an Identity, another. */
  output(value: Value, name: string = value.name): Value {
    let output = value;
    if (name !== value.name) {
      const nodeName = this.#reserve(this.#scope ? this.#named("output") : `output ${name}`);
      output = sure(this.add(this.#owned(onnxNode("Identity", [value.name], [name], {}, nodeName)))[0]);
    }
    this.#outputs.push(output);
    return output;
  }

  /** Everything that is known, by name. */
  get values(): ReadonlyMap<string, Value> {
    return this.#values;
  }

  /** What is known of a value by its name. */
  value(name: string): Value {
    const value = this.#values.get(name) ?? this.#outer?.value(name);
    if (!value) throw new Error(`the graph has no value "${name}" at this point`);
    return value;
  }

  /** Keeps a name from being given to a new value: the output's name, above all. */
  reserve(name: string): void {
    this.#taken.add(name);
    this.#outer?.reserve(name);
  }

  /** What was built so far, in the order in which it was added. */
  graph(name: string): Graph {
    return {
      name,
      inputs: this.#inputs,
      outputs: this.#outputs,
      initializers: this.#initializers,
      nodes: this.#nodes,
    };
  }

  #named(word: string): string {
    return this.#scope ? `${this.#scope.name}/${word}` : word;
  }

  #owned(node: Node): Node {
    return this.#scope ? { ...node, owner: this.#scope.owner } : node;
  }

  #define(value: Value): Value {
    this.#values.set(value.name, value);
    return value;
  }

  #shared(key: string, make: () => Value): Value {
    const known = this.#constants.get(key) ?? make();
    this.#constants.set(key, known);
    return known;
  }

  #reserve(base: string): string {
    let name = base;
    let i = this.#next.get(base) ?? 2;
    for (; this.#isTaken(name); i++) name = `${base}_${i}`;
    this.#next.set(base, i);
    this.reserve(name);
    return name;
  }

  #isTaken(name: string): boolean {
    return this.#taken.has(name) || (this.#outer !== undefined && this.#outer.#isTaken(name));
  }
}

const sameSizes = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis]);

/** The same for nodes that compute the same. */
const keyOf = (
  opType: string,
  inputs: readonly (string | undefined)[],
  outputCount: number,
  attributes: Attributes,
): string => `${opType}(${inputs.join("|")})${outputCount}${JSON.stringify(attributes, attributeKey)}`;

/** Tensors inside attributes are compared by identity: their bytes are not worth hashing. */
const tensorIds = new WeakMap<object, number>();
let nextTensorId = 0;
function attributeKey(_key: string, value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  let id = tensorIds.get(value);
  if (id === undefined) tensorIds.set(value, (id = nextTensorId++));
  return id;
}
