/** The activations that recurrent layers name in their attribute `activations`. */

import type { Node, Value } from "../../../onnx/graph.ts";
import { Calculus } from "../calculus.ts";
import type { Factor } from "../../cells.ts";

/** A function of single elements and its slope, with parameters α and β. */
interface Form {
  /** Defaults of the parameters that it takes; null if runtimes do not agree on one. */
  readonly alpha?: number | null;
  readonly beta?: number | null;
  readonly apply: (c: Calculus, x: Value, alpha: number, beta: number) => Value;
  /** f′ as a function of x and y = f(x). */
  readonly slope: (c: Calculus, x: Value, y: Value, alpha: number, beta: number) => Factor;
}

/** Whether x is inside of the part that grows. */
const isInside = (c: Calculus, x: Value, low: number, high: number): Value =>
  c.and(c.above(x, low), c.below(x, high));

const forms: Readonly<Record<string, Form>> = {
  tanh: { apply: (c, x) => c.tanh(x), slope: (c, _x, y) => c.sub(1, c.mul(y, y)) },
  sigmoid: { apply: (c, x) => c.sigmoid(x), slope: (c, _x, y) => c.mul(y, c.sub(1, y)) },
  relu: {
    apply: (c, x) => c.max(x, 0),
    slope: (c, x) => c.where(c.above(x, 0), 1, 0),
  },
  affine: {
    alpha: null,
    beta: null,
    apply: (c, x, alpha, beta) => c.add(c.mul(x, alpha), beta),
    slope: (_c, _x, _y, alpha) => alpha,
  },
  leakyrelu: {
    alpha: 0.01,
    apply: (c, x, alpha) => c.where(c.above(x, 0), x, c.mul(x, alpha)),
    slope: (c, x, _y, alpha) => c.where(c.above(x, 0), 1, alpha),
  },
  thresholdedrelu: {
    alpha: null,
    apply: (c, x, alpha) => c.where(c.above(x, alpha), x, 0),
    slope: (c, x, _y, alpha) => c.where(c.above(x, alpha), 1, 0),
  },
  scaledtanh: {
    alpha: null,
    beta: null,
    apply: (c, x, alpha, beta) => c.mul(c.tanh(c.mul(x, beta)), alpha),
    slope(c, x, _y, alpha, beta) {
      const t = c.tanh(c.mul(x, beta));
      return c.mul(c.sub(1, c.mul(t, t)), alpha * beta);
    },
  },
  hardsigmoid: {
    alpha: 0.2,
    beta: 0.5,
    apply: (c, x, alpha, beta) => c.min(c.max(c.add(c.mul(x, alpha), beta), 0), 1),
    slope(c, x, _y, alpha, beta) {
      return c.where(isInside(c, c.add(c.mul(x, alpha), beta), 0, 1), alpha, 0);
    },
  },
  elu: {
    alpha: 1,
    apply: (c, x, alpha) => c.where(c.above(x, 0), x, c.mul(c.sub(c.exp(c.min(x, 0)), 1), alpha)),
    slope: (c, x, y, alpha) => c.where(c.above(x, 0), 1, c.add(y, alpha)),
  },
  softsign: {
    apply: (c, x) => c.div(x, c.add(c.abs(x), 1)),
    slope(c, x) {
      const size = c.add(c.abs(x), 1);
      return c.div(1, c.mul(size, size));
    },
  },
  softplus: { apply: (c, x) => c.softplus(x), slope: (c, x) => c.sigmoid(x) },
};

/** An activation inside of a cell. */
export interface CellActivation {
  /** f(clip(x)) */
  readonly apply: (c: Calculus, x: Value) => Value;
  /** The derivative of that, at y = f(clip(x)). */
  readonly slope: (c: Calculus, x: Value, y: Value) => Factor;
}

function textsOf(node: Node): readonly string[] {
  const attribute = node.attributes["activations"];
  return attribute?.type === "strings" ? attribute.value : [];
}

function numbersAt(node: Node, name: string): readonly number[] {
  const attribute = node.attributes[name];
  return attribute?.type === "floats" ? attribute.value : [];
}

/** Those of all directions, with what the node says of them. */
const namesOf = (node: Node, usual: readonly string[], directions: number): readonly string[] => {
  const given = textsOf(node);
  return given.length > 0 ? given : Array.from({ length: directions }, () => usual).flat();
};

/** Why a node's activations cannot be used; undefined if they can. */
export function refusesActivations(
  node: Node,
  usual: readonly string[],
  directions: number,
): string | undefined {
  const names = namesOf(node, usual, directions);
  const unknown = names.find((name) => !Object.hasOwn(forms, name.toLowerCase()));
  if (unknown !== undefined) return `relevance has no rule for its activation "${unknown}" yet`;
  const most = usual.length * directions;
  if (names.length !== most) return `it has ${names.length} activations where it takes ${most}`;
  const bare = names.find((_, i) =>
    parametersOf(node, names.slice(0, i + 1))
      .at(-1)
      ?.includes(null),
  );
  return bare && `its activation "${bare}" has no parameters, and runtimes do not agree on their defaults`;
}

/** α and β of each function, 0 for one that takes none. They stand in the order of the functions that take them. */
function parametersOf(
  node: Node,
  names: readonly string[],
): readonly (readonly [alpha: number | null, beta: number | null])[] {
  const left = {
    alpha: [...numbersAt(node, "activation_alpha")],
    beta: [...numbersAt(node, "activation_beta")],
  };
  return names.map((name) => {
    const { alpha, beta } = forms[name.toLowerCase()] as Form;
    return [next(left.alpha, alpha), next(left.beta, beta)];
  });
}

/** The next of the given parameters; 0 for a function that takes none. */
const next = (left: number[], usually: number | null | undefined): number | null =>
  usually === undefined ? 0 : (left.shift() ?? usually);

const clipped = (c: Calculus, x: Value, clip: number): Value => (clip > 0 ? c.min(c.max(x, -clip), clip) : x);

/**
 * The activations of a direction.
 * @param usual names of those that a node without the attribute has
 * @param clip bounds the numbers before activations; 0 if nothing does
 */
export function cellActivations(
  node: Node,
  usual: readonly string[],
  {
    direction,
    directions,
    clip,
  }: { readonly direction: number; readonly directions: number; readonly clip: number },
): readonly CellActivation[] {
  const names = namesOf(node, usual, directions);
  const parameters = parametersOf(node, names);
  const all = names.map((name, i): CellActivation => {
    const form = forms[name.toLowerCase()] as Form;
    const [alpha, beta] = (parameters[i] ?? []).map((number) => number ?? 0) as [number, number];
    return {
      apply: (c, x) => form.apply(c, clipped(c, x, clip), alpha, beta),
      slope(c, x, y) {
        const inner = form.slope(c, clipped(c, x, clip), y, alpha, beta);
        return clip > 0 ? c.where(c.above(c.abs(x), clip), 0, inner) : inner;
      },
    };
  });
  return all.slice(direction * usual.length, (direction + 1) * usual.length);
}
