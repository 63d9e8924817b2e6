/**
 * Half-precision models with nodes of which nobody knows what they make: these keep the types of what they take and give,
 * and all else is computed in float32.
 */

import { describe, expect, it } from "vitest";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { UnexplainableError, compile, inspect } from "../../src/index.ts";
import { dataTypeCodes } from "../../src/onnx/data-types.ts";
import {
  type Graph,
  type Model,
  type Node,
  type Value,
  floatTensor,
  int,
  printGraph,
} from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { prune } from "../../src/onnx/prune.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";
import { declared, nodeOf, subgraph } from "./subgraphs.ts";

type Half = "float16" | "bfloat16";

const modelOf = (graph: Graph): Model => ({
  irVersion: 8,
  opsets: { "": 17, acme: 1 },
  producer: "test",
  metadata: {},
  graph,
});

const mystery = (from: string, to: string): Node => ({ ...nodeOf("Mystery", [from], [to]), domain: "acme" });
const cast = (from: string, to: string, type: Half | "float32"): Node =>
  nodeOf("Cast", [from], [to], { to: int(dataTypeCodes[type]) });
const dense = (from: string, to: string): Node => nodeOf("MatMul", [from, "w"], [to]);
const graphAttribute = (value: ReturnType<typeof subgraph>) => ({ type: "graph", value }) as const;

/** A graph of x [2, 4] -> y [2, 4] with half-precision constants `w` [4, 4] and `t`, a scalar. */
function graphOf(
  type: Half,
  nodes: readonly Node[],
  ends: readonly [Value["dataType"], Value["dataType"]],
): Graph {
  const [from, to] = ends;
  const numbers = randomNumbers(sizeOf([4, 4]), 3);
  return {
    name: "half",
    inputs: [{ name: "x", dataType: from, shape: [2, 4] }],
    outputs: [{ name: "y", dataType: to, shape: [2, 4] }],
    initializers: new Map([
      ["w", floatTensor(type, numbers, [4, 4])],
      ["t", floatTensor(type, [0.5], [])],
    ]),
    nodes,
  };
}

/** An If on the sum of a value, whose branches take another one from around them and give it in two shapes. */
const choice = (type: Half, from: string, to: string): readonly Node[] => {
  const branch = (node: Node) =>
    graphAttribute(subgraph([], [declared(node.outputs[0] ?? "", type)], [node]));
  return [
    nodeOf("ReduceSum", [from], ["sum"], { keepdims: int(0) }),
    nodeOf("Greater", ["sum", "t"], ["flag"]),
    nodeOf("If", ["flag"], [to], {
      then_branch: branch(nodeOf("Mul", [from, "t"], ["kept"])),
      else_branch: branch(nodeOf("Concat", [from, from], ["left"], { axis: int(0) })),
    }),
  ];
};

const x = { data: randomNumbers(8, 5), dims: [2, 4] };

type Make = (type: Half) => Graph;

/** Half-precision graphs with a node on the way, or beside it, of which nobody knows what it makes; its name. */
const graphs: readonly (readonly [what: string, obstacle: string, make: Make])[] = [
  [
    "before all else",
    "Mystery a",
    (type) => graphOf(type, [mystery("x", "a"), dense("a", "y")], [type, type]),
  ],
  [
    "behind all else",
    "Mystery y",
    (type) => graphOf(type, [dense("x", "a"), mystery("a", "y")], [type, type]),
  ],
  [
    "in the middle",
    "Mystery b",
    (type) =>
      graphOf(
        type,
        [dense("x", "a"), mystery("a", "b"), nodeOf("Relu", ["b"], ["c"]), dense("c", "y")],
        [type, type],
      ),
  ],
  [
    "behind a Cast from float32",
    "Mystery b",
    (type) => graphOf(type, [cast("x", "a", type), mystery("a", "b"), dense("b", "y")], ["float32", type]),
  ],
  [
    "before a Cast to float32",
    "Mystery b",
    (type) =>
      graphOf(type, [dense("x", "a"), mystery("a", "b"), cast("b", "y", "float32")], [type, "float32"]),
  ],
  [
    "with all its inputs constant",
    "Mystery b",
    (type) =>
      graphOf(
        type,
        [dense("x", "a"), { ...mystery("a", "b"), inputs: ["a", "w", "t"] }, dense("b", "y")],
        [type, type],
      ),
  ],
  [
    "that leaves out an output, before all else",
    "Mystery a",
    (type) => {
      const left: Node = { ...mystery("x", "a"), outputs: ["", "a"] };
      return graphOf(type, [left, nodeOf("Relu", ["a"], ["b"]), dense("b", "y")], [type, type]);
    },
  ],
  [
    "with a half-precision scalar as another input",
    "Mystery b",
    (type) => {
      const nodes = [dense("x", "a"), { ...mystery("a", "b"), inputs: ["a", "s"] }, dense("b", "y")];
      const graph = graphOf(type, nodes, [type, type]);
      return { ...graph, inputs: [...graph.inputs, { name: "s", dataType: type, shape: [] }] };
    },
  ],
  [
    "with a graph inside",
    "If b",
    (type) => graphOf(type, [dense("x", "a"), ...choice(type, "a", "b"), dense("b", "y")], [type, type]),
  ],
];

/** x, cast to half precision as `h` -> a -> y, and something beside it that makes `b`. */
const network = (type: Half, beside: readonly Node[]): Graph =>
  graphOf(type, [cast("x", "h", type), dense("h", "a"), dense("a", "y"), ...beside], ["float32", type]);

const besides: readonly (readonly [what: string, make: (type: Half) => readonly Node[]])[] = [
  ["an operator that nobody knows", () => [mystery("a", "b")]],
  ["one that takes a weight and a scalar", () => [{ ...mystery("a", "b"), inputs: ["w", "a", "t"] }]],
  ["an If", (type) => choice(type, "a", "b")],
  ["an If that takes the input", (type) => choice(type, "h", "b")],
  ["an If that takes the output", (type) => choice(type, "y", "b")],
];

/** What relevance comes out as, without what is not needed for it: ONNX Runtime does not know operators of "acme". */
async function relevanceOf({ graph }: Model): Promise<Float32Array> {
  const outputs = graph.outputs.filter(({ name }) => name === "relevance");
  const results = await runModel(modelOf(prune({ ...graph, outputs })), { x });
  return results["relevance"]?.data as Float32Array;
}

const withOutput = (graph: Graph, type: Half): Graph => ({
  ...graph,
  outputs: [...graph.outputs, { name: "b", dataType: type, shape: ["rows", "columns"] }],
});

describe.each(["float16", "bfloat16"] as const)("a %s graph", (type) => {
  it.each(graphs)("with a node that nobody knows %s is refused by its name", (_what, name, make) => {
    const { graph } = canonicalize(make(type));
    expect(printGraph(canonicalize(graph).graph)).toBe(printGraph(graph));
    const { obstacles } = inspect(modelOf(make(type)));
    expect(obstacles.map(({ node }) => node)).toContain(name);
    expect(() => compile(modelOf(make(type)))).toThrow(UnexplainableError);
  });

  it("is refused where relevance would start from half precision, and explained from before it", () => {
    const model = modelOf(graphOf(type, [dense("x", "a"), mystery("a", "y")], [type, type]));
    expect(() => compile(model, { rules: [{ pattern: "Mystery", rule: "pass" }] })).toThrow(
      `it gives ${type}, where relevance starts from float32`,
    );
    expect(() => compile(model, { fallback: "pass" })).toThrow(UnexplainableError);
    expect(inspect(model).alternatives.map(({ option }) => option)).toEqual(["--output a"]);
    expect(compile(model, { output: "a" }).output).toMatchObject({ name: "a_float32", dataType: "float32" });
  });

  it.each(graphs)("leaves the types of what it takes and gives as they are: %s", (_what, name, make) => {
    const before = make(type);
    const { graph, values } = canonicalize(before);
    const node = graph.nodes.find((each) => each.name === name) as Node;
    const original = before.nodes.find((each) => each.name === name) as Node;
    expect([node.inputs, node.outputs]).toEqual([original.inputs, original.outputs]);
    const taken = name.startsWith("If") ? ["a"] : node.inputs;
    for (const input of taken) expect(values.get(input)?.dataType).toBe(type);
  });

  it.each(besides)("with %s beside the way is explained as without it", async (_what, make) => {
    const graph = withOutput(network(type, make(type)), type);
    const { model, plan } = compile(modelOf(graph), { target: "top1" });
    const alone = compile(modelOf(network(type, [])), { target: "top1" });
    expect(plan).toEqual(alone.plan);
    expect(model.graph.outputs.map(({ dataType }) => dataType)).toEqual([type, type, "float32"]);
    const relevance = await relevanceOf(model);
    expect(relevance.some((value) => value !== 0)).toBe(true);
    expect(relevance).toEqual(await relevanceOf(alone.model));
    expect(inspect(modelOf(graph)).canCompile).toBe(true);
  });
});

it("does not round what a half-precision output goes on from", () => {
  const nodes = [
    dense("x", "a"),
    nodeOf("Relu", ["a"], ["y"]),
    cast("y", "b", "float32"),
    nodeOf("Neg", ["b"], ["z"]),
  ];
  const half = graphOf("float16", nodes, ["float16", "float16"]);
  const outputs: Value[] = [...half.outputs, { name: "z", dataType: "float32", shape: [2, 4] }];
  const { graph } = canonicalize({ ...half, outputs });
  expect(printGraph({ ...graph, inputs: [], outputs: [], initializers: new Map() }))
    .toBe(`x_float32 = Cast<to=1>(x)
a = relprop.Linear(x_float32, w, _)
  | a = MatMul(x_float32, w)
y_float32 = Relu(a)
y = Cast<to=10>(y_float32)
z = Neg(y_float32)`);
});

it("computes with an If in float16 what the model computes", async () => {
  const ends = ["float32", "float32"] as const;
  const nodes = [
    cast("x", "h", "float16"),
    dense("h", "a"),
    dense("a", "d"),
    cast("d", "y", "float32"),
    ...choice("float16", "a", "b"),
    cast("b", "z", "float32"),
  ];
  const half = graphOf("float16", nodes, ends);
  const graph: Graph = {
    ...half,
    outputs: [...half.outputs, { name: "z", dataType: "float32", shape: ["r", "c"] }],
  };
  const before = await runModel(modelOf(graph), { x });
  const after = await runModel(compile(modelOf(graph), { target: "top1" }).model, { x });
  for (const name of ["y", "z"])
    expect(relativeDistance(after[name]?.data ?? [], before[name]?.data ?? [1])).toBeLessThan(2e-3);
  expect(after["relevance"]?.data.some((value) => value !== 0)).toBe(true);
});
