/**
 * Recognises spelled out normalisations, which exporters write before opsets 17 and 23, or over axes that no operator
 * allows:
 *
 *     d = x − mean(x),   y = d / √(mean(d²) + ε) · γ + β      -> `LayerNormalization`(x, γ, β)   (Ba et al. 2016)
 *                        y = x / √(mean(x²) + ε) · γ          -> `RMSNormalization`(x, γ)        (Zhang & Sennrich 2019)
 *
 * The quotient may be written as a product with 1/√v or v^−½. γ and β become inputs if they have the shape of the
 * normalised axes, else they stay separate nodes.
 */

import { type Graph, type Node, type Value, float, ints } from "../onnx/graph.ts";
import { isScalar, sameShape, scalarOf } from "./constants.ts";
import { Fusions } from "./fusions.ts";
import { type TypedPatternContext, producerOf, reductionOf } from "./pattern-context.ts";
import { type Refuse, type Rewrite, constantNames, isOnnx } from "./rewrite.ts";
import { Unquantized } from "./unquantized.ts";

interface Around extends TypedPatternContext {
  /** Names of the values that no input can change. */
  readonly constants: ReadonlySet<string>;
}

/** A normalisation without scale and bias. */
interface Core {
  readonly x: string;
  readonly axes: readonly number[];
  readonly epsilon: number;
  /** Whether the mean is subtracted. */
  readonly isCentred: boolean;
  /** In any order. */
  readonly nodes: readonly Node[];
  /** The node whose output is the normalised tensor. */
  readonly last: Node;
}

/** A value inside of a pattern, and the nodes from it to where the search began. */
interface Found {
  readonly found: string;
  readonly nodes: readonly Node[];
}

/** The two inputs of a node, of which one is a scalar constant: that number and the name of the other. */
function withScalar({ graph }: Around, node: Node): { number: number; other: string } | undefined {
  const index = node.inputs.findIndex((name) => scalarOf(graph, name) !== undefined);
  const number = scalarOf(graph, node.inputs[index]);
  const other = node.inputs[1 - index];
  return number === undefined || other === undefined ? undefined : { number, other };
}

/** d of d². */
function squareRootOf(around: Around, name: string): Found | undefined {
  const node = producerOf(around, name, "Pow", "Mul");
  const [d, other] = node?.inputs ?? [];
  if (!node || d === undefined) return undefined;
  const isSquare = node.opType === "Mul" ? other === d : isScalar(around.graph, other, 2);
  return isSquare ? { found: d, nodes: [node] } : undefined;
}

/** v of √v. */
function radicandOf(around: Around, name: string): Found | undefined {
  const node = producerOf(around, name, "Sqrt", "Pow");
  const v = node?.inputs[0];
  const isRoot = node?.opType === "Sqrt" || isScalar(around.graph, node?.inputs[1], 0.5);
  return node && v !== undefined && isRoot ? { found: v, nodes: [node] } : undefined;
}

/** v of 1/√v. */
function radicandOfInverse(around: Around, name: string): Found | undefined {
  const node = producerOf(around, name, "Reciprocal", "Div", "Pow");
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
function quotientsOf(around: Around, node: Node): (Found & { d: string })[] {
  const [a = "", b = ""] = node.inputs;
  const found = (d: string, root: Found | undefined): (Found & { d: string })[] =>
    root ? [{ d, found: root.found, nodes: [...root.nodes, node] }] : [];
  if (isOnnx(node, "Div")) return found(a, radicandOf(around, b));
  if (!isOnnx(node, "Mul")) return [];
  return [...found(a, radicandOfInverse(around, b)), ...found(b, radicandOfInverse(around, a))];
}

/** x of d = x − mean(x) over these axes. */
function centredOf(around: Around, d: string, axes: readonly number[]): Found | undefined {
  const sub = producerOf(around, d, "Sub");
  const mean = reductionOf(around, sub?.inputs[1], "ReduceMean");
  if (!sub || !mean || mean.x !== sub.inputs[0] || mean.axes.join() !== axes.join()) return undefined;
  return { found: mean.x, nodes: [...mean.nodes, sub] };
}

/** The pattern d/√(mean(d²) + ε) that ends in this node. */
function coreAt(around: Around, last: Node): Core | undefined {
  for (const { d, found: radicand, nodes } of quotientsOf(around, last)) {
    const add = producerOf(around, radicand, "Add");
    const sum = add && withScalar(around, add);
    const variance = sum && reductionOf(around, sum.other, "ReduceMean");
    const square = variance && squareRootOf(around, variance.x);
    if (!add || !sum || !variance || !square) continue;
    const { axes } = variance;
    const centred = centredOf(around, d, axes);
    // The exporter may have computed x − mean(x) a second time for the variance.
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

/** The only user of a value, if it has this type and its other input is a constant. */
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

/** The nodes of scale and bias, if their shape is that of the normalised axes, which must be the last ones. */
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
  removes: "merged nodes",
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
          label: isCentred ? "layer normalisation" : "root-mean-square normalisation",
          parameters: affine.map(({ constant }) => constant),
        },
      );
    }
    return fusions.applied();
  },
};
