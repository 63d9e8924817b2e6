/**
 * The real numbers that quantized tensors stand for, x = scale · (q − zero), as values of the graph. Beside each node that
 * makes whole numbers comes the operator on real numbers that it stands for, and a FakeQuantize behind that, whose body
 * reads the whole numbers: the model computes with these as before, bit for bit, and relevance sees a network of real ones.
 *
 *     q = QLinearConv(a, W)      beside it      z = Conv(a′, W′),   q′ = FakeQuantize(z), which is computed from q
 */

import { wrapped } from "../onnx/axis.ts";
import { usesOf } from "../onnx/captures.ts";
import { type Graph, type Node, type Tensor, type Value, intsAttribute, operatorKey } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { ownerOf } from "../onnx/owners.ts";
import { quantizedRange } from "../onnx/quantization.ts";
import { quantizedFormOf, type QuantizedForm, type QuantizedInput } from "../onnx/quantized-forms.ts";
import { storedWeights } from "../onnx/stored-weights.ts";
import { float32Tensor, numbersOf, sameTensor, sizeOf, smallIntegers } from "../onnx/tensor.ts";
import { type Refuse, isOnnx, namer } from "./rewrite.ts";
import { isRounding } from "./unquantized.ts";

/** What turns whole numbers into real ones: names of scale and zero point, "" for a zero point of 0. */
export interface Steps {
  readonly scale: string;
  readonly zero: string;
  /** The axis along which scales differ. */
  readonly axis: number;
}

/** A real value, and the steps that it is rounded to. */
export interface Real extends Steps {
  readonly x: string;
}

/** Operators that give elements of their inputs, or nearly: what they do to whole numbers they do to real ones. */
const moving: Readonly<Record<string, readonly number[] | "all">> = {
  Clip: [0, 1, 2],
  Concat: "all",
  DepthToSpace: [0],
  Expand: [0],
  Flatten: [0],
  Gather: [0],
  GatherElements: [0],
  GatherND: [0],
  GlobalMaxPool: [0],
  Identity: [0],
  Max: "all",
  MaxPool: [0],
  Min: "all",
  Pad: [0, 2],
  ReduceMax: [0],
  ReduceMin: [0],
  Reshape: [0],
  Resize: [0],
  Slice: [0],
  SpaceToDepth: [0],
  Split: [0],
  Squeeze: [0],
  Tile: [0],
  Transpose: [0],
  Unsqueeze: [0],
  Where: [1, 2],
};

const movedInputs = (node: Node): readonly number[] | undefined => {
  const indices =
    isOnnx(node, node.opType) && Object.hasOwn(moving, node.opType) ? moving[node.opType] : undefined;
  return indices === "all" ? node.inputs.map((_, i) => i) : indices;
};

/** The node that stands for rounding z to whole numbers q: its body makes real numbers of these. */
function roundedFrom(
  q: string,
  x: string,
  z: string,
  { scale, zero }: Steps,
  isDynamic = false,
): Pick<Node, "opType" | "domain" | "inputs" | "outputs" | "attributes" | "body"> {
  const back = onnxNode("DequantizeLinear", zero === "" ? [q, scale] : [q, scale, zero], [x]);
  return {
    opType: isDynamic ? "DynamicFakeQuantize" : "FakeQuantize",
    domain: "relprop",
    inputs: isDynamic ? [z] : [z, scale, zero],
    outputs: [x],
    attributes: {},
    body: [back],
  };
}

/** Finds the real values of one graph, and collects what has to be replaced. */
export class RealValues {
  readonly replace = new Map<Node, readonly Node[]>();
  readonly initializers = new Map<string, Tensor>();
  readonly name: (base: string) => string;
  readonly uses: ReturnType<typeof usesOf>;
  readonly #graph: Graph;
  readonly #values: ReadonlyMap<string, Value>;
  readonly #refuse: Refuse;
  readonly #found = new Map<string, Real | undefined>();

  constructor(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse) {
    this.#graph = graph;
    this.#values = values;
    this.#refuse = refuse;
    this.name = namer(graph);
    this.uses = usesOf(graph);
  }

  /** A constant of the graph, or one that was added. */
  constant(name: string): Tensor | undefined {
    return this.#graph.initializers.get(name) ?? this.initializers.get(name);
  }

  /** Adds a constant. */
  add(base: string, tensor: Tensor): string {
    const name = this.name(base);
    this.initializers.set(name, tensor);
    return name;
  }

  /** What is known of a value. */
  value(name: string): Value | undefined {
    return this.#values.get(name);
  }

  /** Records why a node stays as it is. */
  refuse(node: Node, why: string): undefined {
    this.#refuse(node, why);
  }

  /**
   * The real value of whole numbers; undefined if there is none, which is recorded.
   * @param steps the steps that a reader takes them by; needed for constants
   */
  of(q: string, steps?: Steps): Real | undefined {
    const constant = this.#graph.initializers.get(q);
    if (constant) return steps && this.#ofConstant(q, constant, steps);
    const node = this.uses.producer.get(q);
    const real = node && this.#ofProducer(node, q, steps);
    if (!real || !steps) return real;
    if (this.areSame(real, steps)) return real;
    return this.refuse(
      node,
      `its whole numbers are read with another scale or zero point than they are made with`,
    );
  }

  /** Whether both are the same values, or equal constants. */
  areSame(a: Pick<Steps, "scale" | "zero">, b: Pick<Steps, "scale" | "zero">): boolean {
    const equal = (one: string, other: string): boolean => {
      const [x, y] = [this.constant(one), this.constant(other)];
      return (
        one === other ||
        (x !== undefined && y !== undefined && sameTensor({ ...x, dims: [] }, { ...y, dims: [] }))
      );
    };
    return (
      equal(a.scale, b.scale) && (equal(a.zero, b.zero) || (this.#isZero(a.zero) && this.#isZero(b.zero)))
    );
  }

  #isZero(name: string): boolean {
    const tensor = this.constant(name);
    return (
      name === "" || (tensor !== undefined && Array.prototype.every.call(numbersOf(tensor), (n) => n === 0))
    );
  }

  #ofConstant(q: string, tensor: Tensor, steps: Steps): Real | undefined {
    const key = `${q} ${steps.scale} ${steps.zero} ${steps.axis}`;
    if (!this.#found.has(key)) {
      const [scale, zero] = [this.constant(steps.scale), this.constant(steps.zero)];
      const isKnown = scale !== undefined && (steps.zero === "" || zero !== undefined);
      const numbers =
        isKnown && scale.dataType === "float32"
          ? storedWeights({ q: tensor, scale, zero, axis: steps.axis, block: 0 })
          : undefined;
      this.#found.set(key, numbers && { ...steps, x: this.add(`${q}_float`, numbers) });
    }
    return this.#found.get(key);
  }

  #ofProducer(node: Node, q: string, steps: Steps | undefined): Real | undefined {
    if (this.#found.has(q)) return this.#found.get(q);
    const real = this.#made(node, q, steps);
    this.#found.set(q, real);
    return real;
  }

  #made(node: Node, q: string, steps: Steps | undefined): Real | undefined {
    const [x = "", scale = "", zero = ""] = node.inputs;
    // An earlier round may have found it.
    const before = (this.uses.consumers.get(q) ?? []).find(
      (user) => isRounding(user) && user.body?.[0]?.inputs[0] === q,
    );
    if (before) {
      const [, ownScale = "", ownZero = ""] = before.body?.[0]?.inputs ?? [];
      return { x: before.outputs[0] ?? "", scale: ownScale, zero: ownZero, axis: 1 };
    }
    const key = operatorKey({ ...node, domain: node.domain === "ai.onnx" ? "" : node.domain });
    if (key.endsWith("/QuantizeLinear")) return this.#rounded(node, x, [], { scale, zero, axis: 1 });
    if (key === "ai.onnx/DynamicQuantizeLinear") return this.#dynamic(node, q);
    const form = quantizedFormOf(node);
    if (form) return this.ofForm(node, form);
    const moved = movedInputs(node);
    if (moved) return this.#moved(node, q, steps);
    return this.refuse(
      node,
      "it computes with whole numbers, and stands for no operator on real ones that relprop knows",
    );
  }

  /** The float value of a node that computes quantized values, and those that it makes. */
  ofForm(node: Node, form: QuantizedForm): Real | undefined {
    const [q = ""] = node.outputs;
    const [scale = "", zero = ""] = node.inputs.slice(form.result);
    const real = this.realNode(node, form);
    if (!real) return undefined;
    return this.#rounded(node, real.outputs[0] ?? "", [real], {
      scale,
      zero: zero || this.#zeroOf(q),
      axis: 1,
    });
  }

  /** The operator on real numbers that a node stands for, which gives a new value. */
  realNode(node: Node, form: QuantizedForm): Node | undefined {
    const rank = this.value(node.inputs[0] ?? "")?.shape.length ?? 0;
    const why = form.refuses(node, rank);
    if (why !== undefined) return this.refuse(node, why);
    const given = form.inputs(node);
    const inputs: string[] = [];
    for (const [i, each] of given.entries()) {
      const real = typeof each === "number" ? node.inputs[each] : this.#input(node, form, each, i);
      if (real === undefined) return undefined;
      inputs.push(real);
    }
    const bias = node.inputs[form.bias ?? -1] ?? "";
    if (bias !== "") {
      const real = this.#bias(node, bias, given as readonly QuantizedInput[]);
      if (real === undefined)
        return this.refuse(node, "its bias, or the scale of its bias, is computed at run time");
      inputs.push(real);
    }
    const z = this.name(`${node.outputs[0] ?? node.name}_real`);
    return {
      name: node.name,
      opType: form.operator,
      domain: "",
      inputs,
      outputs: [z],
      attributes: form.attributes(node),
    };
  }

  #input(node: Node, form: QuantizedForm, at: QuantizedInput, index: number): string | undefined {
    const [q, scale, zero] = [at.values, at.scale, at.zero].map((i) => node.inputs[i] ?? "") as [
      string,
      string,
      string,
    ];
    const axis = index === 1 && form.weightAxis ? form.weightAxis(node) : 1;
    const real = this.of(q, { scale, zero, axis });
    if (!real && this.#graph.initializers.has(q))
      return this.refuse(
        node,
        `the scale or zero point of "${q}" is computed at run time, or does not fit it`,
      );
    if (!real && !this.uses.producer.has(q))
      return this.refuse(node, `the input "${q}" of the model holds whole numbers`);
    return real?.x;
  }

  /** A bias of whole numbers: its scale is α times the product of those of the first two inputs. */
  #bias(node: Node, name: string, [x, w]: readonly QuantizedInput[]): string | undefined {
    const q = this.#graph.initializers.get(name);
    const [ofX, ofW] = [x, w].map((at) => this.constant(node.inputs[at?.scale ?? -1] ?? ""));
    if (!q || !ofX || !ofW || sizeOf(ofX.dims) !== 1) return undefined;
    const alpha = node.attributes["alpha"];
    const factor = (numbersOf(ofX)[0] ?? 0) * (alpha?.type === "float" ? alpha.value : 1);
    const scales = Float32Array.from(numbersOf(ofW), (number) => number * factor);
    const numbers = Float32Array.from(
      numbersOf(q),
      (number, k) => number * (scales[scales.length === 1 ? 0 : k] ?? 0),
    );
    return this.add(`${name}_float`, float32Tensor(numbers, q.dims.length === 1 ? q.dims : [numbers.length]));
  }

  /** A zero point of 0, in the type of a value. */
  #zeroOf(q: string): string {
    const zero = smallIntegers(this.value(q)?.dataType ?? "uint8", [0], []);
    return zero ? this.add(`${q}_zero_point`, zero) : "";
  }

  /** Adds the nodes that give real numbers, and a FakeQuantize behind them, beside the node that gives whole ones. */
  #rounded(node: Node, z: string, before: readonly Node[], { scale, zero, axis }: Steps): Real | undefined {
    const [q = ""] = node.outputs;
    const isKnown = this.constant(scale) && (zero === "" || this.constant(zero));
    if (!isKnown) return this.refuse(node, "its scale or zero point is computed at run time");
    const dataType = this.constant(zero)?.dataType ?? this.value(q)?.dataType ?? "uint8";
    if (!quantizedRange(dataType)) return this.refuse(node, `it gives ${dataType}`);
    const x = this.name(`${q}_float`);
    const name = before.length === 0 ? node.name : this.name(`${node.name}_rounded`);
    this.replace.set(node, [
      this.whole(node),
      ...before,
      { name, ...roundedFrom(q, x, z, { scale, zero, axis }) },
    ]);
    return { x, scale, zero, axis };
  }

  /** A node that computes with whole numbers. Its name goes to the node that stands for it. */
  whole(node: Node): Node {
    return { ...node, name: this.name(`${node.name}_quantized`), owner: ownerOf(node) };
  }

  #dynamic(node: Node, q: string): Real | undefined {
    const [values = "", scale = "", zero = ""] = node.outputs;
    if (q !== values) return undefined;
    const x = this.name(`${q}_float`);
    const steps = { scale, zero, axis: 1 };
    const { name, inputs } = node;
    this.replace.set(node, [this.whole(node), { name, ...roundedFrom(q, x, inputs[0] ?? "", steps, true) }]);
    return { ...steps, x };
  }

  /** The inputs of a node that moves elements, as real values, and the steps of all of them. */
  movedInputs(node: Node, steps: Steps | undefined): { inputs: readonly string[]; steps: Steps } | undefined {
    const moved = movedInputs(node);
    if (!moved) return undefined;
    const own = steps && this.#stepsBefore(node, steps);
    const given = moved.map((index) => node.inputs[index] ?? "");
    const computed = given.find((name) => name !== "" && !this.#graph.initializers.has(name));
    const first = computed === undefined ? undefined : this.of(computed, own);
    const all = first ?? own;
    if (!all || (computed !== undefined && !first)) return undefined;
    const isOne = sizeOf(this.constant(all.scale)?.dims ?? []) === 1;
    if (!isOne && !isOnnx(node, "Transpose", "Identity"))
      return this.refuse(node, "it moves numbers that have several scales");
    const inputs = [...node.inputs];
    for (const index of moved) {
      const name = node.inputs[index] ?? "";
      if (name === "") continue;
      const real = this.of(name, all);
      if (!real) return undefined;
      inputs[index] = real.x;
    }
    if (isOnnx(node, "Pad") && (node.inputs[2] ?? "") === "" && !this.#isZero(all.zero)) {
      const zero = this.constant(all.zero);
      const q = zero && smallIntegers(zero.dataType, [0], []);
      const real = q && this.#ofConstant(this.add(`${node.name}_border`, q), q, all);
      if (!real) return this.refuse(node, "its zero point is computed at run time");
      inputs[2] = real.x;
    }
    return { inputs, steps: steps ?? all };
  }

  /** The steps of the input of a node, given those of its output: a Transpose moves the axis of the scales. */
  #stepsBefore(node: Node, steps: Steps): Steps {
    const perm = isOnnx(node, "Transpose") ? intsAttribute(node, "perm") : undefined;
    const rank = this.value(node.inputs[0] ?? "")?.shape.length ?? 0;
    const axis = wrapped(steps.axis, rank);
    if (isOnnx(node, "Transpose")) return { ...steps, axis: perm ? (perm[axis] ?? axis) : rank - 1 - axis };
    return steps;
  }

  #moved(node: Node, q: string, wanted: Steps | undefined): Real | undefined {
    const found = this.movedInputs(node, wanted);
    if (!found) return undefined;
    const { inputs, steps } = found;
    if (isOnnx(node, "MaxPool") && node.outputs.length > 1) return this.refuse(node, "its indices are used");
    const outputs = node.outputs.map((name) => (name === "" ? "" : this.name(`${name}_real`)));
    const real: Node = { ...node, inputs, outputs };
    const isDynamic = this.constant(steps.scale) === undefined;
    const isConstant = node.inputs.every((name) => name === "" || this.#graph.initializers.has(name));
    const zero = steps.zero || (isDynamic ? "" : this.#zeroOf(q));
    const rounded = node.outputs.map((name, i): Node | undefined => {
      if (name === "") return undefined;
      const x = isConstant ? (outputs[i] ?? "") : this.name(`${name}_float`);
      this.#found.set(name, { ...steps, zero, x });
      const whole = this.name(`${node.name}_rounded`);
      return isConstant
        ? undefined
        : { name: whole, ...roundedFrom(name, x, outputs[i] ?? "", { ...steps, zero }, isDynamic) };
    });
    this.replace.set(node, [this.whole(node), real, ...rounded.filter((each) => each !== undefined)]);
    return this.#found.get(q);
  }
}
