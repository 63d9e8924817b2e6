/**
 * Normalisations spelled out, as exporters write them before opset 17 and 23, or over axes that no operator takes:
 *
 *     d = x − mean(x),   y = d / √(mean(d²) + ε) · γ + β      -> `LayerNormalization`(x, γ, β)   (Ba et al. 2016)
 *                        y = x / √(mean(x²) + ε) · γ          -> `RMSNormalization`(x, γ)        (Zhang & Sennrich 2019)
 *
 * The quotient may be written as a product with 1/√v or v^−½. γ and β join if they have the normalised axes' shape,
 * else they stay nodes of their own.
 */

import { wrapped } from "../onnx/axis.ts";
import {
  type Graph,
  type Node,
  type Uses,
  type Value,
  float,
  ints,
  intsAttribute,
  numberAttribute,
} from "../onnx/graph.ts";
import { isScalar, sameShape, scalarOf } from "./constants.ts";
import { Fusions } from "./fusions.ts";
import { type Refuse, type Rewrite, constantNames, isOnnx } from "./rewrite.ts";
import { Unquantized } from "./unquantized.ts";

interface Around {
  readonly graph: Graph;
  readonly values: ReadonlyMap<string, Value>;
  readonly uses: Uses;
  readonly constants: ReadonlySet<string>;
}

interface Core {
  readonly x: string;
  readonly axes: readonly number[];
  readonly epsilon: number;
  readonly isCentred: boolean;
  /** In any order; the last one's output is the normalised tensor. */
  readonly nodes: readonly Node[];
  readonly last: Node;
}

interface Found<T> {
  readonly found: T;
  readonly nodes: readonly Node[];
}

/** The producer of a value, if it is of one of these types. */
function made({ uses }: Around, name: string | undefined, ...opTypes: readonly string[]): Node | undefined {
  const node = uses.producer.get(name ?? "");
  return node && isOnnx(node, ...opTypes) ? node : undefined;
}

/** The two inputs of a node, of which one is a scalar constant: that number and the other's name. */
function withScalar({ graph }: Around, node: Node): { number: number; other: string } | undefined {
  const index = node.inputs.findIndex((name) => scalarOf(graph, name) !== undefined);
  const number = scalarOf(graph, node.inputs[index]);
  const other = node.inputs[1 - index];
  return number === undefined || other === undefined ? undefined : { number, other };
}

/** x and the axes of a mean that keeps its axes. */
function meanOf(around: Around, name: string): (Found<string> & { axes: readonly number[] }) | undefined {
  const node = made(around, name, "ReduceMean");
  const x = node?.inputs[0];
  const rank = around.values.get(x ?? "")?.shape.length;
  const axes = node && intsAttribute(node, "axes");
  if (!node || x === undefined || rank === undefined || !axes) return undefined;
  if (numberAttribute(node, "keepdims", 1) !== 1) return undefined;
  const sorted = axes.map((axis) => wrapped(axis, rank)).toSorted((a, b) => a - b);
  return { found: x, axes: sorted, nodes: [node] };
}

/** d of d². */
function squareRootOf(around: Around, name: string): Found<string> | undefined {
  const node = made(around, name, "Pow", "Mul");
  const [d, other] = node?.inputs ?? [];
  if (!node || d === undefined) return undefined;
  const isSquare = node.opType === "Mul" ? other === d : isScalar(around.graph, other, 2);
  return isSquare ? { found: d, nodes: [node] } : undefined;
}

/** v of √v. */
function radicandOf(around: Around, name: string): Found<string> | undefined {
  const node = made(around, name, "Sqrt", "Pow");
  const v = node?.inputs[0];
  const isRoot = node?.opType === "Sqrt" || isScalar(around.graph, node?.inputs[1], 0.5);
  return node && v !== undefined && isRoot ? { found: v, nodes: [node] } : undefined;
}

/** v of 1/√v. */
function radicandOfInverse(around: Around, name: string): Found<string> | undefined {
  const node = made(around, name, "Reciprocal", "Div", "Pow");
  if (!node) return undefined;
  const [first = "", second = ""] = node.inputs;
  if (node.opType === "Pow") {
    return isScalar(around.graph, second, -0.5) ? { found: first, nodes: [node] } : undefined;
  }
  if (node.opType === "Div" && !isScalar(around.graph, first, 1)) return undefined;
  const root = radicandOf(around, node.opType === "Div" ? second : first);
  return root && { found: root.found, nodes: [...root.nodes, node] };
}

/** d and v of d/√v. */
function quotientsOf(around: Around, node: Node): (Found<string> & { d: string })[] {
  const [a = "", b = ""] = node.inputs;
  const found = (d: string, root: Found<string> | undefined): (Found<string> & { d: string })[] =>
    root ? [{ d, found: root.found, nodes: [...root.nodes, node] }] : [];
  if (isOnnx(node, "Div")) return found(a, radicandOf(around, b));
  if (!isOnnx(node, "Mul")) return [];
  return [...found(a, radicandOfInverse(around, b)), ...found(b, radicandOfInverse(around, a))];
}

/** x of d = x − mean(x) over these axes. */
function centredOf(around: Around, d: string, axes: readonly number[]): Found<string> | undefined {
  const sub = made(around, d, "Sub");
  const mean = meanOf(around, sub?.inputs[1] ?? "");
  if (!sub || !mean || mean.found !== sub.inputs[0] || mean.axes.join() !== axes.join()) return undefined;
  return { found: mean.found, nodes: [...mean.nodes, sub] };
}

/** d/√(mean(d²) + ε), ending in this node. */
function coreAt(around: Around, last: Node): Core | undefined {
  for (const { d, found: radicand, nodes } of quotientsOf(around, last)) {
    const add = made(around, radicand, "Add");
    const sum = add && withScalar(around, add);
    const variance = sum && meanOf(around, sum.other);
    const square = variance && squareRootOf(around, variance.found);
    if (!add || !sum || !variance || !square) continue;
    const { axes } = variance;
    const centred = centredOf(around, d, axes);
    // The variance may have been spelled out with a difference of its own.
    const again = square.found === d ? centred : centredOf(around, square.found, axes);
    if (again?.found !== centred?.found || (!centred && square.found !== d)) continue;
    const all = [...nodes, add, ...variance.nodes, ...square.nodes];
    return {
      x: centred?.found ?? d,
      axes,
      epsilon: sum.number,
      isCentred: centred !== undefined,
      nodes: [...new Set([...all, ...(centred?.nodes ?? []), ...(again?.nodes ?? [])])],
      last,
    };
  }
  return undefined;
}

/** The node of this type that alone uses a value, and the constant it takes beside it. */
function onlyWith(
  around: Around,
  opType: string,
  value: string,
): { node: Node; constant: string } | undefined {
  const { uses, constants } = around;
  const [node, ...others] = uses.consumers.get(value) ?? [];
  const constant = node?.inputs.find((name) => name !== value);
  if (!node || others.length > 0 || uses.isOutput(value) || !isOnnx(node, opType)) return undefined;
  return constant !== undefined && constants.has(constant) ? { node, constant } : undefined;
}

/** Scale and bias that follow, if their shape is that of the last axes, which are the normalised ones. */
function affineAfter(around: Around, { x, axes, last }: Core): { node: Node; constant: string }[] {
  const known = around.values.get(x);
  const rank = known?.shape.length ?? 0;
  const isSuffix = axes.at(-1) === rank - 1 && axes.every((axis, i) => axis === rank - axes.length + i);
  const fits = (step: { constant: string } | undefined): boolean =>
    known !== undefined &&
    step !== undefined &&
    isSuffix &&
    sameShape(around.values.get(step.constant), { ...known, shape: known.shape.slice(axes[0]) });
  const scale = onlyWith(around, "Mul", last.outputs[0] ?? "");
  if (!scale || !fits(scale)) return [];
  const bias = onlyWith(around, "Add", scale.node.outputs[0] ?? "");
  return bias && fits(bias) ? [scale, bias] : [scale];
}

export const recognizeNormalization: Rewrite = {
  name: "recognize-normalization",
  about: "mean, variance, root, scale and shift spelled out become LayerNormalization or RMSNormalization",
  takesAway: "what a neighbour does",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const seen = new Unquantized(graph);
    const around = { graph: seen.graph, values, uses: seen.uses, constants: constantNames(graph) };
    const fusions = new Fusions(graph, seen, refuse);
    for (const last of seen.graph.nodes) {
      const core = coreAt(around, last);
      if (!core) continue;
      const { x, isCentred } = core;
      const affine = affineAfter(around, core).slice(0, isCentred ? 2 : 1);
      const nodes = new Set([...core.nodes, ...affine.map(({ node }) => node)]);
      fusions.add(
        { x, root: affine.at(-1)?.node ?? last, nodes },
        {
          opType: isCentred ? "LayerNormalization" : "RMSNormalization",
          domain: "",
          attributes: { axes: ints(core.axes), epsilon: float(core.epsilon) },
          what: isCentred ? "layer normalisation" : "root-mean-square normalisation",
          more: affine.map(({ constant }) => constant),
        },
      );
    }
    return fusions.applied();
  },
};
