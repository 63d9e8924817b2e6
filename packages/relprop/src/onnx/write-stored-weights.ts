/**
 * Writes real weights as the whole numbers that the model's file stores them as, and nodes that make real ones of these: a
 * network of int8 weights does not grow to four times its size. ONNX Runtime computes Cast, Sub and Mul of constants once,
 * when it loads the file, and DequantizeLinear in every run.
 */

import { wrapped } from "./axis.ts";
import { namesIn } from "./captures.ts";
import { dataTypeCodes } from "./data-types.ts";
import { type Graph, type Tensor, type Value, int, ints } from "./graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { type Packed, packedOf } from "./packed-integers.ts";
import { type StoredWeights, storedIn } from "./stored-weights.ts";
import { numbersOf, sizeOf } from "./tensor.ts";

/** Fewer numbers are written as what they are. */
const minSize = 1024;

/** The graph with nodes in place of the constants that files store as whole numbers. */
export function withStoredWeights(graph: Graph): Graph {
  const found = [...graph.initializers].flatMap(([name, tensor]) => {
    const weights = storedIn(tensor);
    return weights && sizeOf(tensor.dims) >= minSize && canBuild(weights) ? [[name, weights] as const] : [];
  });
  if (found.length === 0) return graph;
  const initializers = new Map(graph.initializers);
  for (const [name] of found) initializers.delete(name);
  const names = new Map([...initializers].map(([name, tensor]) => [tensor, name]));
  const b = new GraphBuilder();
  const shared = new Map<Tensor, Value>();
  // The model's own nodes may compute with the same whole numbers.
  for (const tensor of found.map(([, { q }]) => packedOf(q)?.bytes ?? q)) {
    const name = names.get(tensor);
    if (name !== undefined && !shared.has(tensor)) shared.set(tensor, b.constant(tensor, name));
  }
  for (const node of graph.nodes) for (const name of namesIn(node)) b.reserve(name);
  for (const { name } of [...graph.inputs, ...graph.outputs]) b.reserve(name);
  for (const name of initializers.keys()) b.reserve(name);
  const constant = (tensor: Tensor, base: string): Value => {
    const value = shared.get(tensor) ?? b.constant(tensor, base);
    shared.set(tensor, value);
    return value;
  };
  for (const [name, weights] of found)
    b.within({ name, owner: { node: name } }, () => b.output(built(b, weights, constant, name), name));
  const made = b.graph(graph.name);
  return {
    ...graph,
    nodes: [...made.nodes, ...graph.nodes],
    initializers: new Map([...initializers, ...made.initializers]),
  };
}

/** Whether the nodes can be written: whole numbers that float32 holds exactly, in whole blocks. */
function canBuild({ q, axis, block }: StoredWeights): boolean {
  const isSmall = ["int8", "uint8", "int16", "uint16"].includes(q.dataType);
  return isSmall && (block === 0 || (q.dims[wrapped(axis, q.dims.length)] ?? 0) % block === 0);
}

type Constant = (tensor: Tensor, base: string) => Value;

const float32 = { to: int(dataTypeCodes.float32) };

function built(b: GraphBuilder, weights: StoredWeights, constant: Constant, name: string): Value {
  const { q, scale, zero, table, block, columns, turned } = weights;
  const { length: rank } = q.dims;
  const axis = wrapped(weights.axis, rank);
  const packed = packedOf(q);
  const whole = packed
    ? unpacked(b, packed, q, constant, name)
    : b.op("Cast", [constant(q, `${name}_quantized`)], float32);
  const size = q.dims[axis] ?? 1;
  // One scale for each block: the axis is split in two.
  const split = [...q.dims.slice(0, axis), size / block, block, ...q.dims.slice(axis + 1)];
  const isEach = sizeOf(scale.dims) > 1 || block !== 0;
  const scaleDims =
    block !== 0 ? split.with(axis + 1, 1) : q.dims.map((_, i) => (i === axis && isEach ? size : 1));
  const blocked = block === 0 ? whole : b.op("Reshape", [whole, b.integers(split)]);
  const shaped = (tensor: Tensor, word: string): Value =>
    constant({ ...tensor, dims: isEach && sizeOf(tensor.dims) > 1 ? scaleDims : [] }, `${name}_${word}`);
  const offset =
    zero && Array.prototype.some.call(numbersOf(zero), (number: number) => number !== 0) ? zero : undefined;
  const centred = table
    ? b.op("Gather", [b.numbers(table), b.op("Cast", [blocked], { to: int(dataTypeCodes.int32) })])
    : offset
      ? b.op("Sub", [blocked, b.op("Cast", [shaped(offset, "zero_point")], float32)])
      : blocked;
  const scaled = b.op("Mul", [centred, shaped(scale, "scale")]);
  const joined = block === 0 ? scaled : b.op("Reshape", [scaled, b.integers(q.dims)]);
  const cut =
    columns === undefined || columns === q.dims.at(-1)
      ? joined
      : b.op("Slice", [joined, b.integers([0]), b.integers([columns]), b.integers([rank - 1])]);
  return turned ? b.op("Transpose", [cut], { perm: ints([1, 0]) }) : cut;
}

/** The numbers of packed bytes, as float32 in the shape of q: the digits of each byte, lowest first. */
function unpacked(b: GraphBuilder, packed: Packed, q: Tensor, constant: Constant, name: string): Value {
  const { bytes, bits, highFirst } = packed;
  const base = b.scalar(2 ** bits);
  const digits: Value[] = [];
  let rest = b.op("Cast", [constant(bytes, `${name}_quantized`)], float32);
  for (let place = 0; place < 8 / bits; place++) {
    const higher = b.op("Floor", [b.op("Div", [rest, base])]);
    digits.push(b.op("Sub", [rest, b.op("Mul", [higher, base])]));
    rest = higher;
  }
  const ordered = highFirst ? digits.toReversed() : digits;
  const columns = ordered.map((digit) => b.op("Reshape", [digit, b.integers([-1, 1])]));
  const flat = b.op("Reshape", [b.op("Concat", columns, { axis: int(1) }), b.integers([-1])]);
  const count = sizeOf(q.dims);
  const whole =
    count === (sizeOf(bytes.dims) * 8) / bits
      ? flat
      : b.op("Slice", [flat, b.integers([0]), b.integers([count]), b.integers([0])]);
  const shaped = b.op("Reshape", [whole, b.integers(q.dims)]);
  if (q.dataType === "uint8") return shaped;
  // From 2^(bits − 1) on, a number stands for one below 0.
  const isUpper = b.op("Floor", [b.op("Div", [shaped, b.scalar(2 ** (bits - 1))])]);
  return b.op("Sub", [shaped, b.op("Mul", [isUpper, base])]);
}
