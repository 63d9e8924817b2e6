/**
 * What stands beside the way from the explained output to the explained input is left alone, whatever it is: control flow,
 * operators that nobody knows, values whose shape only a run knows.
 */

import { describe, expect, it } from "vitest";
import {
  type CompileOptions,
  UnexplainableError,
  compile,
  compileMethod,
  inspect,
  readAnswer,
} from "../../src/index.ts";
import { dataTypeCodes } from "../../src/onnx/data-types.ts";
import {
  type Graph,
  GraphBuilder,
  type Model,
  type Node,
  type Value,
  float32Tensor,
  type Tensor,
  int,
  ints,
} from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { prepare } from "../../src/compile/prepare.ts";
import { prune } from "../../src/onnx/prune.ts";
import { declared, nodeOf, subgraph } from "../canonicalize/subgraphs.ts";
import { type Array32, randomNumbers, runModel } from "../support/run.ts";

const modelOf = (graph: Graph): Model => ({
  irVersion: 8,
  opsets: { "": 17, acme: 1 },
  producer: "test",
  metadata: {},
  graph,
});

const weight = (dims: number[], seed: number) => float32Tensor(randomNumbers(sizeOf(dims), seed), dims);

/** x [N, 3, 6, 6] -> a convolution, `map`, its means, `mean` [N, 4], and classes `y` [N, 5]. */
function plain(): Graph {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 3, 6, 6]);
  const conv = b.op("Conv", [x, b.constant(weight([4, 3, 3, 3], 1), "w"), b.constant(weight([4], 2), "b")]);
  const map = b.op("Relu", [conv], {}, "map");
  const mean = b.op("Flatten", [b.op("GlobalAveragePool", [map])], {}, "mean");
  const y = b.op(
    "Gemm",
    [mean, b.constant(weight([4, 5], 3), "v"), b.constant(weight([5], 4), "c")],
    {},
    "y",
  );
  b.output(y);
  return b.graph("network");
}

/** Nodes that make `made` from a float tensor. */
type Make = (from: string) => readonly Node[];

const scalars: Readonly<Record<string, Tensor>> = {
  zero: float32Tensor([0], []),
  two: float32Tensor([2], []),
};

/** Whether the sum of a tensor is positive, as `flag`. */
const flag: Make = (from) => [
  nodeOf("ReduceSum", [from], ["sum"], { keepdims: int(0) }),
  nodeOf("Greater", ["sum", "zero"], ["flag"]),
];

const graphAttribute = (value: ReturnType<typeof subgraph>) => ({ type: "graph", value }) as const;

/** A branch of one node. */
const branch = (node: Node) => graphAttribute(subgraph([], [declared(node.outputs[0] ?? "")], [node]));

/** What only a run knows the rank or the type of, and operators with a rule behind it. */
const besides: Readonly<Record<string, Make>> = {
  "an If": (from) => {
    // Another rank, so that nothing is known of what the If gives.
    const largest = nodeOf("ReduceMax", [from], ["largest"], { keepdims: int(0) });
    return [
      ...flag(from),
      nodeOf("If", ["flag"], ["made"], {
        then_branch: branch(nodeOf("Mul", [from, "two"], ["double"])),
        else_branch: branch(largest),
      }),
    ];
  },
  "a Loop": (from) => [
    ...flag(from),
    nodeOf("Cast", ["flag"], ["rounds"], { to: int(dataTypeCodes.int64) }),
    nodeOf("Loop", ["rounds", "", from], ["made"], {
      body: graphAttribute(
        subgraph(
          [declared("i", "int64", "scalar"), declared("on", "bool", "scalar"), declared("before")],
          [declared("goes", "bool", "scalar"), declared("after")],
          [nodeOf("Identity", ["on"], ["goes"]), nodeOf("Mul", ["before", "two"], ["after"])],
        ),
      ),
    }),
  ],
  "a Scan": (from) => [
    nodeOf("Scan", [from], ["made"], {
      num_scan_inputs: int(1),
      body: graphAttribute(
        subgraph([declared("row")], [declared("doubled")], [nodeOf("Mul", ["row", "two"], ["doubled"])]),
      ),
    }),
  ],
  "an operator that nobody knows": (from) => [{ ...nodeOf("Mystery", [from], ["made"]), domain: "acme" }],
  "a Reshape to a rank that is computed": (from) => [
    nodeOf("Shape", [from], ["sizes"]),
    nodeOf("NonZero", ["sizes"], ["places"]),
    nodeOf("GatherND", ["sizes", "places"], ["chosen"]),
    nodeOf("Reshape", [from, "chosen"], ["made"]),
  ],
  "operators with a rule, behind one that nobody knows": (from) => [
    { ...nodeOf("Mystery", [from], ["made"]), domain: "acme" },
    nodeOf("Clip", ["made", "zero", "two"], ["clipped"]),
    nodeOf("Sigmoid", ["clipped"], ["gate"]),
    nodeOf("Mul", ["gate", "made"], ["product"]),
    nodeOf("Add", ["product", "clipped"], ["added"]),
    nodeOf("MatMul", ["added", "v"], ["dense"]),
    nodeOf("Concat", ["dense", "made"], ["joined"], { axis: int(0) }),
    nodeOf("Split", ["joined"], ["half", "rest"], { axis: int(0) }),
    nodeOf("MaxPool", ["half"], ["pooled"], { kernel_shape: ints([1, 1]) }),
    nodeOf("Relu", ["pooled"], ["end"]),
  ],
};

const output = (name: string): Value => ({ name, dataType: "float32", shape: ["rows", "columns"] });

/** The network with something beside the way, which has an output of its own; it starts from one of its values, or from `z`. */
function withBeside(make: Make, from: string): Graph {
  const graph = plain();
  const nodes = make(from);
  const inputs: Value[] = [...graph.inputs, { name: "z", dataType: "float32", shape: ["M", 4] }];
  return {
    ...graph,
    inputs: from === "z" ? inputs : graph.inputs,
    outputs: [...graph.outputs, output(nodes.at(-1)?.outputs[0] ?? "")],
    initializers: new Map([...graph.initializers, ...Object.entries(scalars)]),
    nodes: [...graph.nodes, ...nodes],
  };
}

const x: Array32 = { data: randomNumbers(2 * 3 * 36, 9), dims: [2, 3, 6, 6] };

/** What relevance comes out as, without what is not needed for it: ONNX Runtime does not know operators of "acme". */
async function relevanceOf(graph: Graph): Promise<Float32Array> {
  const relevance = graph.outputs.find(({ name }) => name === "relevance") as Value;
  const needed = prune({ ...graph, outputs: [relevance] });
  const given = needed.inputs.filter(({ name }) => name !== "z");
  return (await runModel(modelOf({ ...needed, inputs: given }), { x }))["relevance"]?.data as Float32Array;
}

const options: readonly CompileOptions[] = [
  { composite: "epsilon-plus", target: "top1" },
  { composite: "fischer", target: "top1" },
  { composite: "attnlrp", target: "top1", ledger: true },
  { composite: "epsilon-alpha2-beta1-flat", target: "top1", layer: "last-map" },
  { composite: "gradient", target: "top1", reduce: "channels" },
];

describe.each(Object.entries(besides))("%s", (_what, make) => {
  it.each(["x", "map", "mean", "y", "z"])("beside the way, from %s", async (from) => {
    const graph = withBeside(make, from);
    for (const each of options) {
      expect(inspect(modelOf(graph), each)).toMatchObject({ canCompile: true, obstacles: [], problems: [] });
      const found = compile(modelOf(graph), each);
      const wanted = compile(modelOf(plain()), each);
      expect(found.plan).toEqual(wanted.plan);
      expect(found.packsWeights).toBe(wanted.packsWeights);
      expect(await relevanceOf(found.model.graph)).toEqual(await relevanceOf(wanted.model.graph));
    }
    expect(readAnswer(modelOf(graph)).composite).toBe(readAnswer(modelOf(plain())).composite);
  });

  it.each(["input-x-gradient", "integrated-gradients", "smoothgrad", "grad-cam"] as const)(
    "does not hinder %s",
    (method) => {
      for (const from of ["map", "z"])
        expect(compileMethod(modelOf(withBeside(make, from)), { method }).output.name).toBe("y");
    },
  );

  it.each(["map", "mean"])("behind the explained tensor %s", (explained) => {
    const behind = withBeside(make, explained);
    const model = modelOf({ ...behind, outputs: behind.outputs.slice(1) });
    expect(inspect(model, { output: explained }).canCompile).toBe(true);
    expect(compile(model, { output: explained }).plan).toEqual(
      compile(modelOf(plain()), { output: explained }).plan,
    );
    expect(readAnswer(model, { output: explained }).composite).toBeTypeOf("string");
  });

  it.each(["x", "mean", "z"])("on the way, from %s, is what the refusal names", (from) => {
    const graph = withBeside(make, from);
    const made = graph.outputs.at(-1)?.name ?? "";
    const joined = nodeOf("Add", ["y", made], ["last"]);
    const model = modelOf({
      ...graph,
      outputs: [{ name: "last", dataType: "float32", shape: ["N", 5] }],
      nodes: [...graph.nodes, joined],
    });
    const options = from === "z" ? { explain: ["x"] } : {};
    const { obstacles, canCompile } = inspect(model, options);
    expect(canCompile).toBe(false);
    const unknown = make(from).flatMap(({ outputs }) => outputs);
    const names = obstacles.map(({ node }) => node);
    // From another input nothing but the sum is on the way.
    if (from === "z") expect(names).toEqual([joined.name]);
    else expect(names).toContain(make(from).find(({ outputs }) => outputs.includes("made"))?.name);
    for (const { why } of obstacles) {
      const [, named] = /the shape of "(.*?)" is not known/.exec(why) ?? [];
      if (named !== undefined) expect(unknown).toContain(named);
    }
    expect(() => compile(model, options)).toThrow(UnexplainableError);
    expect(readAnswer(model).composite).toBeTypeOf("string");
  });
});

it.each(["an If", "a Loop", "a Scan"])("%s gives what it gave", async (what) => {
  const graph = withBeside(besides[what] as Make, "mean");
  const before = await runModel(modelOf(graph), { x });
  const after = await runModel(compile(modelOf(graph), { target: "top1" }).model, { x });
  for (const name of ["y", "made"]) expect(after[name], name).toEqual(before[name]);
});

it("takes no sum with something unknown for positive", () => {
  const graph = withBeside(besides["an operator that nobody knows"] as Make, "z");
  const nodes = [nodeOf("Relu", ["y"], ["positive"]), nodeOf("Add", ["positive", "made"], ["shifted"])];
  const shifted: Value = { name: "shifted", dataType: "float32", shape: ["N", 5] };
  const { analysis } = prepare(
    modelOf({ ...graph, outputs: [shifted], nodes: [...graph.nodes, ...nodes] }),
    {},
  );
  expect(["positive", "shifted"].filter((name) => analysis.nonNegative.has(name))).toEqual(["positive"]);
});
