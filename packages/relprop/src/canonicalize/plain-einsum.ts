/**
 * Writes each Einsum so that every letter of a term is one axis of its own, and has one size:
 *
 *     ...ij,jk -> ...ik     ellipses as letters
 *     bii,bi -> b           diagonals taken before
 *     bij,bjk -> bik        axes of size 1 that are repeated dropped before
 *     bij -> jb             one tensor alone summed and transposed
 */

import { int, ints, string, stringAttribute, type Node, type Tensor, type Value } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { int64Tensor } from "../onnx/tensor.ts";
import { type Rewrite, edited, isOnnx, namer } from "./rewrite.ts";

const alphabet = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const dots = "...";

/** The terms of an equation, and the output's, which numpy's rule gives where it is left out. */
function termsOf(text: string): { readonly inputs: readonly string[]; readonly output: string } {
  const [left = "", right] = text.replaceAll(" ", "").split("->");
  const letters = [...left.replaceAll(/[,.]/g, "")].toSorted();
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter));
  const implied = `${left.includes(dots) ? dots : ""}${once.join("")}`;
  return { inputs: left.split(","), output: right ?? implied };
}

/** The terms with letters for their ellipses, which are aligned at their ends; undefined for more axes than letters. */
function spelled(text: string, ranks: readonly number[]): ReturnType<typeof termsOf> | undefined {
  const { inputs, output } = termsOf(text);
  const hidden = inputs.map((term, i) =>
    term.includes(dots) ? (ranks[i] ?? 0) - (term.length - dots.length) : 0,
  );
  const free = alphabet.filter((letter) => !text.includes(letter));
  const most = Math.max(...hidden);
  if (most > free.length || hidden.some((count) => count < 0)) return undefined;
  const letters = (count: number): string => free.slice(most - count, most).join("");
  return {
    inputs: inputs.map((term, i) => term.replace(dots, letters(hidden[i] ?? 0))),
    output: output.replace(dots, letters(most)),
  };
}

/** One tensor of an Einsum on its way to a plain term. */
interface Operand {
  readonly name: string;
  readonly term: string;
}

/** Writes what comes before one Einsum. */
class Writer {
  readonly nodes: Node[] = [];
  readonly #name: (base: string) => string;
  readonly #initializers: Map<string, Tensor>;
  readonly #base: string;

  constructor(node: Node, name: (base: string) => string, initializers: Map<string, Tensor>) {
    this.#base = node.name;
    this.#name = name;
    this.#initializers = initializers;
  }

  #op(opType: string, inputs: readonly string[], attributes: Node["attributes"] = {}): string {
    const name = this.#name(`${this.#base}_${opType}`);
    this.nodes.push({ name, opType, domain: "", inputs, outputs: [name], attributes });
    return name;
  }

  #integers(values: readonly number[]): string {
    const name = this.#name(`${this.#base}_numbers`);
    this.#initializers.set(name, int64Tensor(values));
    return name;
  }

  /** Without axes of size 1. */
  squeezed({ name, term }: Operand, drops: readonly number[]): Operand {
    if (drops.length === 0) return { name, term };
    const left = [...term].filter((_, axis) => !drops.includes(axis)).join("");
    return { name: this.#op("Squeeze", [name, this.#integers(drops)]), term: left };
  }

  /** The axes in the order of a term of the same letters. */
  turned({ name, term }: Operand, to: string): Operand {
    const perm = [...to].map((letter) => term.indexOf(letter));
    return term === to
      ? { name, term }
      : { name: this.#op("Transpose", [name], { perm: ints(perm) }), term: to };
  }

  /** The diagonal over the axes of a letter, as the last axis: they are made one, and each (n + 1)-th element is taken. */
  diagonal({ name, term }: Operand, letter: string, size: number): Operand {
    const axes = [...term].map((_, axis) => axis);
    const [own, others] = [true, false].map((isOwn) =>
      axes.filter((axis) => (term[axis] === letter) === isOwn),
    );
    if (!own || !others) return { name, term };
    const last = this.#op("Transpose", [name], { perm: ints([...others, ...own]) });
    // 0 keeps a size, so that others may be open.
    const merged = this.#op("Reshape", [last, this.#integers([...others.map(() => 0), size ** own.length])]);
    const step = own.reduce((sum, _, power) => sum + size ** power, 0);
    const places = Array.from({ length: size }, (_, i) => i * step);
    const picked = this.#op("Gather", [merged, this.#integers(places)], { axis: int(others.length) });
    return { name: picked, term: `${others.map((axis) => term[axis]).join("")}${letter}` };
  }

  /** Summed over the letters that the output does not have. */
  summed({ name, term }: Operand, output: string): Operand {
    const axes = [...term].flatMap((letter, axis) => (output.includes(letter) ? [] : [axis]));
    if (axes.length === 0) return { name, term };
    const left = [...term].filter((letter) => output.includes(letter)).join("");
    return { name: this.#op("ReduceSum", [name, this.#integers(axes)], { keepdims: int(0) }), term: left };
  }
}

/** The letter that a term has twice. */
const repeated = (term: string): string | undefined =>
  [...term].find((letter, axis) => term.indexOf(letter) !== axis);

export const plainEinsum: Rewrite = {
  name: "plain-einsum",
  about:
    "an Einsum's ellipses become letters, its diagonals are taken before it, and one of a single tensor becomes a sum",
  removes: "merged nodes",
  apply(graph, values, refuse) {
    const name = namer(graph);
    const replace = new Map<Node, readonly Node[]>();
    const initializers = new Map<string, Tensor>();
    for (const node of graph.nodes) {
      if (!isOnnx(node, "Einsum")) continue;
      const nodes = plain(node, values, new Writer(node, name, initializers));
      if (typeof nodes === "string") refuse(node, nodes);
      else if (nodes) replace.set(node, nodes);
    }
    return replace.size === 0 ? graph : edited(graph, { replace, initializers });
  },
};

/** The nodes that replace an Einsum; why there are none, in a clause; undefined if it is plain. */
function plain(
  node: Node,
  values: ReadonlyMap<string, Value>,
  write: Writer,
): readonly Node[] | string | undefined {
  const shapes = node.inputs.map((input) => values.get(input)?.shape ?? []);
  const text = stringAttribute(node, "equation", "");
  if (node.inputs.some((input) => !values.has(input))) return undefined;
  const given = spelled(
    text,
    shapes.map((shape) => shape.length),
  );
  if (!given) return "it has more axes than there are letters";
  const { output } = given;
  const isStretched = (letter: string): boolean =>
    given.inputs.some((term, i) => [...term].some((own, axis) => own === letter && shapes[i]?.[axis] !== 1));
  const operands: Operand[] = [];
  for (const [i, term] of given.inputs.entries()) {
    const shape = shapes[i] ?? [];
    const drops = [...term].flatMap((letter, axis) =>
      shape[axis] === 1 && isStretched(letter) ? [axis] : [],
    );
    let operand = write.squeezed({ name: node.inputs[i] ?? "", term }, drops);
    for (let letter = repeated(operand.term); letter !== undefined; letter = repeated(operand.term)) {
      const sizes = shape.filter((dim, axis) => term[axis] === letter && typeof dim === "number");
      const length = sizes.find((dim) => dim !== 1) ?? sizes[0];
      if (typeof length !== "number")
        return "it takes a diagonal of axes whose size is known only at run time";
      operand = write.diagonal(operand, letter, length);
    }
    operands.push(operand);
  }
  const [first, ...others] = operands;
  if (!first) return undefined;
  if (others.length === 0) {
    const { name } = write.turned(write.summed(first, output), output);
    return [...write.nodes, onnxNode("Identity", [name], [node.outputs[0] ?? ""], {}, node.name)];
  }
  const equation = `${operands.map(({ term }) => term).join(",")}->${output}`;
  if (write.nodes.length === 0 && !text.includes(dots)) return undefined;
  const inputs = operands.map((operand) => operand.name);
  return [
    ...write.nodes,
    { ...node, inputs, attributes: { ...node.attributes, equation: string(equation) } },
  ];
}
