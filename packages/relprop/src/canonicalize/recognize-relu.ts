/**
 * Recognises ReLU(x) = max(x, 0) in other operators, or spelled out -> `Relu`:
 *
 *     Clip(x, 0, ∞) = Max(x, 0) = ThresholdedRelu(x; 0) = Where(x > 0, x, 0) = x·[x > 0] = ½x + ½│x│
 *     LeakyRelu(x; α) = PRelu(x; α) = x⁺ + αx⁻,  Elu(x; α) = x⁺ + α(exp x⁻ − 1),  Selu(x; α, γ) = γ·Elu(x; α):  α = 0, γ = 1
 *
 * A Clip with an upper bound, such as ReLU6, is not a ReLU.
 */

import { usesOf } from "../onnx/captures.ts";
import { type Graph, type Node, type Value, numberAttribute, tensorAttribute } from "../onnx/graph.ts";
import { numbersOf } from "../onnx/tensor.ts";
import { isFloat, sameShape, scalarOf } from "./constants.ts";
import { type Refuse, type Rewrite, edited, isOnnx } from "./rewrite.ts";
import { type ActivationPattern, operatorOf, recognizeActivations } from "./activation-patterns.ts";

/** The argument of a ReLU, and the comparison that chooses its elements, if there is one. */
interface Found {
  readonly x: string;
  readonly choice?: Node;
}

interface Around {
  readonly producer: ReadonlyMap<string, Node>;
  readonly isZero: (name: string | undefined) => boolean;
  readonly numberOf: (name: string) => number | undefined;
}

/** Tests whether a node is a ReLU by its parameters. */
type Form = (node: Node, around: Around) => Found | false | undefined;

const first = ({ inputs: [x = ""] }: Node): Found => ({ x });

/** The largest float32: ONNX's default for the upper bound of Clip. */
const largest = 3.4028234e38;

const forms: Readonly<Record<string, Form>> = {
  LeakyRelu: (node) => numberAttribute(node, "alpha", 0.01) === 0 && first(node),
  ThresholdedRelu: (node) => numberAttribute(node, "alpha", 1) === 0 && first(node),
  Elu: (node) => numberAttribute(node, "alpha", 1) === 0 && first(node),
  Selu: (node) =>
    numberAttribute(node, "alpha", 1.67326) === 0 &&
    numberAttribute(node, "gamma", 1.0507) === 1 &&
    first(node),
  PRelu: (node, { isZero }) => isZero(node.inputs[1]) && first(node),
  Clip(node, { isZero, numberOf }) {
    const [, low, high = ""] = node.inputs;
    return isZero(low) && (high === "" || (numberOf(high) ?? 0) >= largest) && first(node);
  },
  Max({ inputs }, { isZero }) {
    const [x, ...others] = inputs.filter((name) => !isZero(name));
    return x !== undefined && others.length === 0 && inputs.length > 1 && { x };
  },
  Where({ inputs: [condition = "", yes = "", no = ""] }, around) {
    const choice = around.producer.get(condition);
    const x = around.isZero(no) ? yes : no;
    const other = x === yes ? no : yes;
    const [larger, smaller] = x === yes ? [x, other] : [other, x];
    return choice && around.isZero(other) && compares(choice, larger, smaller, around) && { x, choice };
  },
};

/** Whether a comparison is true where `larger` is above `smaller`; zeros may be different constants. */
function compares(comparison: Node, larger: string, smaller: string, { isZero }: Around): boolean {
  const [a = "", b = ""] = comparison.inputs;
  const same = (one: string, other: string): boolean => one === other || (isZero(one) && isZero(other));
  if (isOnnx(comparison, "Greater", "GreaterOrEqual")) return same(a, larger) && same(b, smaller);
  return isOnnx(comparison, "Less", "LessOrEqual") && same(b, larger) && same(a, smaller);
}

const relu = { opType: "Relu", domain: "", attributes: {} } as const;
const identity = new Map([["1", 1]]);

const isAboveZero = (node: Node, graph: Graph): boolean =>
  isOnnx(node, "Greater", "GreaterOrEqual") && scalarOf(graph, node.inputs[1]) === 0;

const spelledOut: readonly ActivationPattern[] = [
  { ...relu, inner: [isAboveZero, operatorOf("Cast")], argument: identity, result: new Map([["1,1", 1]]) },
  {
    ...relu,
    inner: [operatorOf("Abs")],
    argument: identity,
    result: new Map([
      ["1,0", 0.5],
      ["0,1", 0.5],
    ]),
  },
];

/** Whether a tensor is 0 everywhere; its shape may be unknown. */
function isZeroIn(graph: Graph, producer: ReadonlyMap<string, Node>, name: string): boolean {
  const maker = producer.get(name);
  const isFilled = maker && isOnnx(maker, "ConstantOfShape");
  const tensor = isFilled ? tensorAttribute(maker, "value") : graph.initializers.get(name);
  if (!tensor) return isFilled === true;
  return tensor.dataType !== "string" && Array.from(numbersOf(tensor)).every((number) => number === 0);
}

/** Replaces operators that are a ReLU by their parameters; they become the body. */
function recognizeByParameters(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
  const { producer, consumers, isOutput } = usesOf(graph);
  const around: Around = {
    producer,
    isZero: (name = "") => isZeroIn(graph, producer, name),
    numberOf: (name) => scalarOf(graph, name),
  };
  const replace = new Map<Node, readonly Node[]>();
  for (const node of graph.nodes) {
    const [y = ""] = node.outputs;
    const found = isOnnx(node, node.opType) && forms[node.opType]?.(node, around);
    // A zero of a larger shape would broadcast x.
    if (!found || !isFloat(values.get(y)) || !sameShape(values.get(found.x), values.get(y))) continue;
    const { x, choice } = found;
    const [chosen = ""] = choice?.outputs ?? [];
    if (choice && ((consumers.get(chosen)?.length ?? 0) > 1 || isOutput(chosen))) {
      refuse(node, `it ends a Relu spelled out, but "${choice.name}" inside of it is used elsewhere`);
      continue;
    }
    if (choice) replace.set(choice, []);
    const { name, outputs } = node;
    replace.set(node, [{ ...relu, name, inputs: [x], outputs, body: choice ? [choice, node] : [node] }]);
  }
  return replace.size === 0 ? graph : edited(graph, { replace });
}

export const recognizeRelu: Rewrite = {
  name: "recognize-relu",
  about:
    "operators that compute max(x, 0) become Relu: Clip, Max, LeakyRelu, PRelu, Elu, Selu and ThresholdedRelu by their parameters, Where, x·[x > 0] and ½x + ½│x│ spelled out",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    return recognizeActivations(recognizeByParameters(graph, values, refuse), values, spelledOut, refuse);
  },
};
