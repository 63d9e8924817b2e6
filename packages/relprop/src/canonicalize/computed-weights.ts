/**
 * Convolutions and Gemm whose weights the network computes (mixtures of experts, style-modulated layers, hypernetworks) as products of
 * two computed tensors. In a convolution, each place of the output sees a list of places of the input:
 *
 *     y[g, o, l] = Σ_{i, κ} W[g, o, (i, κ)] · x[g, i, place(κ, l)]
 *
 * Taking x at a table of places moves elements only, so this is a `Gather` and a `MatMul`, whatever strides, dilations and
 * groups are; places in the padding, and between the elements of a `ConvTranspose`, are a zero behind the last element.
 */

import {
  fixedDims,
  type Graph,
  int,
  ints,
  intsAttribute,
  type Node,
  numberAttribute,
  stringAttribute,
  type Tensor,
  type Value,
} from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { float32Tensor, int64Tensor, sizeOf } from "../onnx/tensor.ts";
import { type Refuse, type Rewrite, constantNames, edited, isOnnx, namer } from "./rewrite.ts";

/** The longest table: 32 MB in the compiled model. */
const maxPlaces = 1 << 22;

/** How a convolution goes over its input. */
interface Geometry {
  /** Sizes of the input's places, of the kernel and of the output's places. */
  readonly sizes: readonly number[];
  readonly kernel: readonly number[];
  readonly out: readonly number[];
  /** The input's index along an axis that an output index sees through a kernel index; undefined if it is none. */
  readonly seen: (axis: number, out: number, kernel: number) => number | undefined;
}

/** The places of the input, by kernel element and output place; behind the last one, a zero. */
function table({ sizes, kernel, out, seen }: Geometry): number[] {
  const zero = sizeOf(sizes);
  const places: number[] = [];
  for (const at of indices(kernel)) {
    for (const to of indices(out)) {
      let place = 0;
      for (const [axis, size] of sizes.entries()) {
        const index = seen(axis, to[axis] ?? 0, at[axis] ?? 0);
        place = index === undefined || index < 0 || index >= size || place < 0 ? -1 : place * size + index;
      }
      places.push(place < 0 ? zero : place);
    }
  }
  return places;
}

/** All indices of a shape, the last axis fastest. */
function* indices(dims: readonly number[]): Generator<readonly number[]> {
  const [size, ...inner] = dims;
  if (size === undefined) yield [];
  else for (let i = 0; i < size; i++) for (const rest of indices(inner)) yield [i, ...rest];
}

/** The geometry, if all sizes are known and the padding is given or follows from them. */
function geometryOf(node: Node, x: Value, w: Value, y: Value): Geometry | undefined {
  const [sizes, kernel, out] = [x, w, y].map(({ shape }) => fixedDims(shape.slice(2)));
  if (!sizes || !kernel || !out) return undefined;
  const listOf = (name: string, orElse: number): readonly number[] =>
    intsAttribute(node, name) ?? sizes.map(() => orElse);
  const [strides, dilations] = [listOf("strides", 1), listOf("dilations", 1)];
  const autoPad = stringAttribute(node, "auto_pad", "NOTSET");
  const isTransposed = node.opType === "ConvTranspose";
  if (isTransposed && (autoPad.startsWith("SAME") || node.attributes["output_shape"])) return undefined;
  const given = intsAttribute(node, "pads") ?? [];
  const pads = sizes.map((size, axis) => {
    if (!autoPad.startsWith("SAME")) return autoPad === "VALID" ? 0 : (given[axis] ?? 0);
    const extent = ((kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1) + 1;
    const all = Math.max(0, ((out[axis] ?? 1) - 1) * (strides[axis] ?? 1) + extent - size);
    return autoPad === "SAME_UPPER" ? Math.floor(all / 2) : Math.ceil(all / 2);
  });
  const seen = (axis: number, to: number, k: number): number | undefined => {
    const [stride = 1, dilation = 1, pad = 0] = [strides[axis], dilations[axis], pads[axis]];
    if (!isTransposed) return to * stride + k * dilation - pad;
    const from = (to + pad - k * dilation) / stride;
    return Number.isInteger(from) ? from : undefined;
  };
  return { sizes, kernel, out, seen };
}

/** What the rewrite of one node needs of the graph. */
interface Around {
  readonly values: ReadonlyMap<string, Value>;
  readonly name: (base: string) => string;
  readonly initializers: Map<string, Tensor>;
  readonly refuse: Refuse;
}

/** The nodes that replace a node, as they are written. */
class Writer {
  readonly nodes: Node[] = [];
  readonly #node: Node;
  readonly #around: Around;

  constructor(node: Node, around: Around) {
    this.#node = node;
    this.#around = around;
  }

  fresh(what: string): string {
    return this.#around.name(`${this.#node.name}_${what}`);
  }

  constant(what: string, tensor: Tensor): string {
    const name = this.fresh(what);
    this.#around.initializers.set(name, tensor);
    return name;
  }

  reshaped(value: string, to: readonly number[], output: string = this.fresh("reshaped")): string {
    this.nodes.push(onnxNode("Reshape", [value, this.constant("shape", int64Tensor(to))], [output]));
    return output;
  }

  transposed(value: string, perm: readonly number[]): string {
    const output = this.fresh("transposed");
    this.nodes.push(onnxNode("Transpose", [value], [output], { perm: ints(perm) }));
    return output;
  }

  /** The product, which goes by the name of the node that it stands for. */
  product(a: string, b: string): string {
    const output = this.fresh("product");
    this.nodes.push(onnxNode("MatMul", [a, b], [output], {}, this.#node.name));
    return output;
  }

  scaled(value: string, factor: number): string {
    if (factor === 1) return value;
    const output = this.fresh("scaled");
    this.nodes.push(onnxNode("Mul", [value, this.constant("factor", float32Tensor([factor], []))], [output]));
    return output;
  }

  /** Makes a value, plus a bias if there is one, the output of the node. */
  finish(value: string, bias: string): readonly Node[] {
    const [output = ""] = this.#node.outputs;
    this.nodes.push(
      bias === "" ? onnxNode("Identity", [value], [output]) : onnxNode("Add", [value, bias], [output]),
    );
    return this.nodes;
  }
}

/** α op(A) op(B) + β C. */
function gemm(node: Node, around: Around): readonly Node[] {
  const write = new Writer(node, around);
  const [a = "", b = "", c = ""] = node.inputs;
  const turned = (value: string, attribute: string): string =>
    numberAttribute(node, attribute, 0) === 1 ? write.transposed(value, [1, 0]) : value;
  const product = write.product(turned(a, "transA"), turned(b, "transB"));
  const bias = c === "" ? "" : write.scaled(c, numberAttribute(node, "beta", 1));
  return write.finish(write.scaled(product, numberAttribute(node, "alpha", 1)), bias);
}

function convolution(node: Node, around: Around): readonly Node[] | undefined {
  const { values, refuse } = around;
  const [input = "", weights = "", bias = ""] = node.inputs;
  const [x, w, y] = [input, weights, node.outputs[0] ?? ""].map((each) => values.get(each));
  const geometry = x && w && y && geometryOf(node, x, w, y);
  const [rows, inner, channels] = [w?.shape[0], w?.shape[1], x?.shape[1]];
  if (!geometry || typeof rows !== "number" || typeof inner !== "number" || typeof channels !== "number") {
    refuse(node, "its sizes are known only at run time");
    return undefined;
  }
  const kernel = sizeOf(geometry.kernel);
  const out = sizeOf(geometry.out);
  if (kernel * out > maxPlaces) {
    refuse(node, `it sees ${kernel * out} places, more than ${maxPlaces}`);
    return undefined;
  }
  const write = new Writer(node, around);
  const groups = numberAttribute(node, "group", 1);
  const isTransposed = node.opType === "ConvTranspose";
  const [outputs, inputs] = isTransposed ? [inner, rows / groups] : [rows / groups, inner];

  // [N, C, P] -> [N, C, P + 1] -> [N, C, κ, L] -> [N, G, I κ, L]
  const flat = write.reshaped(input, [0, channels, sizeOf(geometry.sizes)]);
  const [padded, seen] = [write.fresh("padded"), write.fresh("seen")];
  const pads = write.constant("pads", int64Tensor([0, 0, 0, 0, 0, 1]));
  const places = write.constant("places", int64Tensor(table(geometry), [kernel, out]));
  write.nodes.push(
    onnxNode("Pad", [flat, pads], [padded]),
    onnxNode("Gather", [padded, places], [seen], { axis: int(2) }),
  );
  const patches = write.reshaped(seen, [0, groups, inputs * kernel, out]);

  const ofGroups = isTransposed
    ? write.transposed(write.reshaped(weights, [groups, inputs, outputs, kernel]), [0, 2, 1, 3])
    : weights;
  const matrix = write.reshaped(ofGroups, [groups, outputs, inputs * kernel]);
  const result = write.reshaped(write.product(matrix, patches), [0, groups * outputs, ...geometry.out]);
  const column = [groups * outputs, ...geometry.out.map(() => 1)];
  return write.finish(result, bias === "" ? "" : write.reshaped(bias, column));
}

type Rewritten = (node: Node, around: Around) => readonly Node[] | undefined;
const rewritten: Readonly<Record<string, Rewritten>> = {
  Conv: convolution,
  ConvTranspose: convolution,
  Gemm: gemm,
};

export const computedWeights: Rewrite = {
  name: "computed-weights",
  about: "convolutions and Gemm whose weights the network computes become products",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const constants = constantNames(graph);
    const replace = new Map<Node, readonly Node[]>();
    const around: Around = { values, name: namer(graph), initializers: new Map(), refuse };
    for (const node of graph.nodes) {
      if (!isOnnx(node, ...Object.keys(rewritten)) || constants.has(node.inputs[1] ?? "")) continue;
      const nodes = rewritten[node.opType]?.(node, around);
      if (nodes) replace.set(node, nodes);
    }
    return replace.size === 0 ? graph : edited(graph, { replace, initializers: around.initializers });
  },
};
