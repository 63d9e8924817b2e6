/** Axes that PyTorch's scripted exporter squeezes where their size is 1, and what is no such axis. */

import { describe, expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import {
  type Graph,
  type GraphBuilder,
  type Node,
  type Shape,
  type Tensor,
  type Value,
  int,
  int64Tensor,
  ints,
} from "../../src/onnx/index.ts";
import { relativeDistance, runModel } from "../support/run.ts";
import { expectSameOutputs, graphOf, operators, random } from "./before-and-after.ts";
import { declared, ifNode, nodeOf, subgraph } from "./subgraphs.ts";

/** How a network asks for the size, and what its branches do. */
interface Form {
  readonly shape?: Shape;
  readonly axis?: number;
  readonly asked?: number;
  readonly number?: number;
  readonly condition?: (b: GraphBuilder, size: Value, one: Value) => Value;
  readonly taken?: (x: string) => Node;
  readonly otherwise?: (x: string, half: string) => Node;
}

const toBool = { to: int(9) };

/** [N, 2, T] is convolved to [N, 4, T / 2], whose last axis is squeezed; then a matrix to [N, 3]. */
function squeezing(form: Form = {}): Graph {
  const { axis = 2, asked = axis, number = 1 } = form;
  return graphOf(form.shape ?? ["N", 2, "T"], (b, input) => {
    const convolution = { kernel_shape: ints([2]), strides: ints([2]) };
    const x = b.op("Conv", [input, b.constant(random(4, 2, 2), "kernel")], convolution, "x");
    const half = b.op("Mul", [x, b.scalar(0.5)], {}, "half");
    const size = b.op("Gather", [b.op("Shape", [x]), b.integer(asked)], { axis: int(0) });
    const one = b.integer(number);
    const condition = form.condition?.(b, size, one) ?? b.op("Equal", [size, one]);
    const axes: Record<string, Tensor> = { axes: int64Tensor([axis]) };
    const yes = form.taken?.(x.name) ?? nodeOf("Squeeze", [x.name, "axes"], ["y"]);
    const no = form.otherwise?.(x.name, half.name) ?? nodeOf("Identity", [x.name], ["z"]);
    const branches = [
      subgraph([], [declared("y")], [yes], axes),
      subgraph([], [declared("z")], [no]),
    ] as const;
    const flat = ifNode(b, condition, branches, { dataType: "float32", shape: ["N", 4] });
    return b.op("MatMul", [flat, b.constant(random(4, 3), "weights")]);
  });
}

const modelOf = (graph: Graph) => ({
  irVersion: 8,
  opsets: { "": 17 },
  producer: "test",
  metadata: {},
  graph,
});

const forms: readonly (readonly [string, Form])[] = [
  ["as torch writes it", {}],
  ["counted from the end", { axis: -1 }],
  ["the number first", { condition: (b, size, one) => b.op("Equal", [one, size]) }],
  ["cast", { condition: (b, size, one) => b.op("Cast", [b.op("Equal", [size, one])], toBool) }],
  [
    "compared as lists",
    {
      condition: (b, size, one) => {
        const listed = (value: Value): Value => b.op("Unsqueeze", [value, b.integers([0])]);
        return b.op("Equal", [listed(size), listed(one)]);
      },
    },
  ],
];

/** −1, 0, 1 … over this many steps. */
const input = (steps: number) => ({
  data: Float32Array.from({ length: 2 * steps }, (_, i) => i - 1),
  dims: [1, 2, steps],
});

describe("an axis of an open size is squeezed", () => {
  it.each(forms)("%s", async (_name, form) => {
    const before = squeezing(form);
    const { graph } = canonicalize(before);
    expect(operators(graph)).not.toContain("If");
    expect(operators(graph)).toContain("Squeeze");
    // T = 2 leaves one step: what the network is for.
    await expectSameOutputs(before, graph, 1e-6);
  });

  it("gives the gradient of two matrices, and nothing at all where the size is another", async () => {
    const before = squeezing();
    const source = modelOf(before);
    const { model } = compile(source, { composite: "gradient", start: "output" });
    const target = { data: Float32Array.of(0, 1, 0), dims: [1, 3] };
    const { relevance } = await runModel(model, { x: input(2), target });
    const numbers = (name: string): Float32Array =>
      new Float32Array((before.initializers.get(name) as Tensor).bytes.slice().buffer);
    const [kernel, weights] = [numbers("kernel"), numbers("weights")];
    const expected = [0, 1, 2, 3].map((at) =>
      [0, 1, 2, 3].reduce(
        (sum, row) => sum + (kernel[row * 4 + at] as number) * (weights[row * 3 + 1] as number),
        0,
      ),
    );
    expect(relativeDistance(relevance?.data ?? [], expected)).toBeLessThan(1e-6);
    await expect(runModel(model, { x: input(4), target })).rejects.toThrow();
  });
});

const others: readonly (readonly [string, Form])[] = [
  ["the axis of the batch, whose size is open", { axis: 0 }],
  ["another axis than the one that is asked for", { axis: 2, asked: 0 }],
  ["another size than 1", { number: 2 }],
  ["where the sizes differ", { condition: (b, size, one) => b.op("Not", [b.op("Equal", [size, one])]) }],
  ["another tensor where it is not taken", { otherwise: (_x, half) => nodeOf("Identity", [half], ["z"]) }],
  ["something else is done", { taken: (x) => nodeOf("Flatten", [x], ["y"]) }],
];

describe("stays an If", () => {
  it.each(others)("%s", (_name, form) => {
    expect(operators(canonicalize(squeezing(form)).graph)).toContain("If");
  });
});
