/** Models of other opsets and what they are converted to, both run by ONNX Runtime: the same numbers, to the bit. */

import { create, toBinary } from "@bufbuild/protobuf";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { ModelFileError, OptionError } from "../../src/errors.ts";
import { converterOf } from "../../src/onnx/convert-opset/table.ts";
import {
  type Attributes,
  type Model,
  type Node,
  type Subgraph,
  concatChunks,
  convertOpset,
  int,
  int64Tensor,
  ints,
  printGraph,
  string,
  writeModel,
} from "../../src/onnx/index.ts";
import { graphAttribute } from "../../src/onnx/graph.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { ValueInfoProtoSchema } from "../../src/onnx/onnx_pb.ts";
import { randomNumbers } from "../support/run.ts";
import {
  type Case,
  cases,
  classicCases,
  contribCases,
  f32,
  i64,
  image,
  modelOf,
  newerCases,
  pool,
  random,
} from "./convert-opset-cases.ts";

type Results = Record<string, { dims: readonly number[]; data: readonly (number | bigint)[] }>;

async function run(model: Model, x: readonly number[]): Promise<Results> {
  const bytes = concatChunks(writeModel(model).chunks);
  // Optimisations would compare fused kernels; what is compared here is what the operators say.
  const session = await ort.InferenceSession.create(bytes, {
    logSeverityLevel: 4,
    graphOptimizationLevel: "disabled",
  });
  const results = await session.run({ x: new ort.Tensor("float32", randomNumbers(sizeOf(x), 1), x) });
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data, dims }]) => [
      name,
      { dims, data: [...(data as Float32Array)] },
    ]),
  );
}

const title = ({ op, opset, attributes = {}, x, constants = [] }: Case): string => {
  const options = Object.entries(attributes).map(([name, { value }]) => `${name}=${String(value)}`);
  const shapes = constants.map((tensor) => (tensor ? `[${tensor.dims.join(", ")}]` : "-"));
  return [op, opset, "of", `[${x.join(", ")}]`, ...shapes, ...options].join(" ");
};

/** An If around one node on "x". */
function branch(opType: string, attributes: Attributes = {}): Model {
  const node: Node = { name: "inner", opType, domain: "", inputs: ["x"], outputs: ["z"], attributes };
  const declaration = toBinary(ValueInfoProtoSchema, create(ValueInfoProtoSchema, { name: "z" }));
  const value: Subgraph = {
    name: "then",
    inputs: [],
    outputs: [{ name: "z", declaration }],
    initializers: new Map(),
    nodes: [node],
  };
  const graph = { type: "graph", value } as const;
  const branches = { then_branch: graph, else_branch: graph };
  return modelOf({ op: "If", opset: 11, attributes: branches, x: image });
}

/** The branch of the first node, converted. */
const innerOf = (model: Model): Subgraph | undefined => {
  const [node] = convertOpset(model).graph.nodes;
  return node && graphAttribute(node, "then_branch");
};

describe("convertOpset", () => {
  it.each([...cases, ...newerCases, ...contribCases, ...classicCases].map((c) => [title(c), c] as const))(
    "computes the same for %s",
    async (_title, c) => {
      const model = modelOf(c);
      const converted = convertOpset(model);
      expect(converted.opsets[""]).toBe(17);
      const [before, after] = [await run(model, c.x), await run(converted, c.x)];
      for (const [name, { dims, data }] of Object.entries(before)) {
        expect(after[name]?.dims).toEqual(dims);
        if (!c.tolerance) expect(after[name]?.data).toEqual(data);
        for (const [i, value] of data.entries()) {
          const other = after[name]?.data[i];
          if (value !== other)
            expect(Math.abs(Number(value) - Number(other))).toBeLessThanOrEqual(c.tolerance ?? 0);
        }
      }
    },
  );

  it("gives a model of opset 17 back as it is", () => {
    const model = modelOf({ op: "Relu", opset: 17, x: image });
    expect(convertOpset(model)).toBe(model);
  });

  it("leaves operators alone whose form did not change", () => {
    const model = modelOf({ op: "Relu", opset: 12, x: image });
    expect(convertOpset(model).graph.nodes[0]).toBe(model.graph.nodes[0]);
  });

  it("drops a mask of Dropout that nobody uses", () => {
    const model = modelOf({ op: "Dropout", opset: 7, x: image, outputs: 2 });
    const [y] = model.graph.outputs;
    if (!y) throw new Error("no output");
    const converted = convertOpset({ ...model, graph: { ...model.graph, outputs: [y] } });
    expect(converted.graph.nodes[0]?.outputs).toEqual(["y0"]);
  });

  it("keeps sizes symbolic when it resizes some axes of a dynamic batch", () => {
    const model = modelOf({
      op: "Resize",
      opset: 18,
      attributes: { axes: ints([2, 3]) },
      x: image,
      constants: [undefined, undefined, i64(8, 9)],
    });
    const x = { name: "x", dataType: "float32", shape: ["N", 4, 6, 5] } as const;
    const converted = convertOpset({ ...model, graph: { ...model.graph, inputs: [x] } });
    expect(printGraph({ ...converted.graph, inputs: [], outputs: [], initializers: new Map() }))
      .toMatchInlineSnapshot(`
      "node_size0 = Shape<end=1, start=0>(x)
      node_size1 = Shape<end=2, start=1>(x)
      node_size2 = Gather(c2, node_at)
      node_size3 = Gather(c2, node_at_2)
      node_sizes = Concat<axis=0>(node_size0, node_size1, node_size2, node_size3)
      y0 = Resize(x, _, _, node_sizes)"
    `);
  });

  it("spells out Gelu below the node", () => {
    const { graph } = convertOpset(modelOf({ op: "Gelu", opset: 20, x: [2] }));
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "input x: float32[2]
      output y0: float32[d0_0]
      constant node_number: float32[]
      constant node_number_2: float32[]
      constant node_number_3: float32[]
      y0 = Gelu(x)
        | node_Div = Div(x, node_number)
        | node_Erf = Erf(node_Div)
        | node_Mul = Mul(x, node_number_2)
        | node_Add = Add(node_Erf, node_number_3)
        | y0 = Mul(node_Mul, node_Add)"
    `);
  });

  it("wraps a Softmax over several axes in a matrix, whatever the rank", () => {
    const { graph } = convertOpset(modelOf({ op: "Softmax", opset: 11, x: image }));
    expect(graph.nodes.map((node) => node.opType)).toEqual(["Flatten", "Softmax", "Shape", "Reshape"]);
  });

  const refused: readonly (readonly [string, Case])[] = [
    [
      "antialias",
      {
        op: "Resize",
        opset: 18,
        attributes: { antialias: int(1) },
        x: image,
        constants: [undefined, f32(1, 1, 2, 0.5)],
      },
    ],
    [
      "not_larger",
      {
        op: "Resize",
        opset: 18,
        attributes: { keep_aspect_ratio_policy: string("not_larger"), axes: ints([2, 3]) },
        x: image,
        constants: [undefined, undefined, i64(7, 8)],
      },
    ],
    [
      "half_pixel_symmetric",
      {
        op: "Resize",
        opset: 19,
        attributes: { coordinate_transformation_mode: string("half_pixel_symmetric") },
        x: image,
        constants: [undefined, f32(1, 1, 2, 1.5)],
      },
    ],
    [
      "dilations is 2, 2",
      { op: "AveragePool", opset: 19, attributes: { ...pool, dilations: ints([2, 2]) }, x: image },
    ],
    [
      "training mode",
      {
        op: "BatchNormalization",
        opset: 9,
        x: image,
        constants: [f32(1), f32(1), f32(1), f32(1)],
        outputs: 5,
      },
    ],
    [
      "spatial=0",
      {
        op: "BatchNormalization",
        opset: 7,
        attributes: { spatial: int(0) },
        x: image,
        constants: [f32(1), f32(1), f32(1), f32(1)],
      },
    ],
    ["its mask is used", { op: "Dropout", opset: 7, x: image, outputs: 2 }],
    [
      "reduces no axis",
      { op: "ReduceL2", opset: 18, attributes: { noop_with_empty_axes: int(1) }, x: image },
    ],
    [
      'reduction "max"',
      {
        op: "ScatterElements",
        opset: 18,
        attributes: { reduction: string("max") },
        x: [2, 4],
        constants: [int64Tensor([1, 0], [1, 2]), random(1, 2)],
      },
    ],
    [
      "cannot share 2 heads",
      {
        op: "Attention",
        opset: 23,
        x: [1, 3, 2, 4],
        constants: [random(1, 2, 2, 4), random(1, 2, 2, 4)],
      },
    ],
    [
      "qk_matmul_output_mode is 7",
      {
        op: "Attention",
        opset: 24,
        attributes: { qk_matmul_output_mode: int(7) },
        x: [1, 2, 2, 4],
        constants: [random(1, 2, 2, 4), random(1, 2, 2, 4)],
      },
    ],
    ["no such operator", { op: "CumProd", opset: 26, x: image, constants: [int64Tensor([1])] }],
    ["volumes", { op: "GridSample", opset: 20, x: [1, 1, 2, 2, 2], constants: [random(1, 1, 1, 1, 3)] }],
  ];
  it.each(refused)("refuses %s, naming the node", (why, c) => {
    expect(() => convertOpset(modelOf(c))).toThrow(ModelFileError);
    expect(() => convertOpset(modelOf(c))).toThrow(`from opset ${c.opset} to 17 (${c.op} "node")`);
    expect(() => convertOpset(modelOf(c))).toThrow(why);
  });

  it("refuses axes that are computed at run time", () => {
    const model = modelOf({ op: "ReduceMean", opset: 18, x: image });
    const node = { ...model.graph.nodes[0], inputs: ["x", "x"] } as Node;
    expect(() => convertOpset({ ...model, graph: { ...model.graph, nodes: [node] } })).toThrow(
      "its axes are computed at run time",
    );
  });

  it("converts the graphs inside of nodes, which see the values outside", () => {
    const squeezed = innerOf(branch("Unsqueeze", { axes: ints([0]) }));
    expect(squeezed?.nodes[0]?.inputs).toEqual(["x", "inner_axes"]);
    expect(squeezed?.initializers.get("inner_axes")?.dims).toEqual([1]);
    expect(innerOf(branch("Softmax"))?.nodes.map(({ opType }) => opType)).toEqual([
      "Flatten",
      "Softmax",
      "Shape",
      "Reshape",
    ]);
    expect(innerOf(branch("Relu"))?.nodes.map(({ opType }) => opType)).toEqual(["Relu"]);
  });

  it("refuses other targets and models without an opset", () => {
    const model = modelOf({ op: "Relu", opset: 12, x: image });
    expect(() => convertOpset(model, 18)).toThrow(OptionError);
    expect(() => convertOpset({ ...model, opsets: {} })).toThrow(ModelFileError);
  });

  it("looks up operators by name and not by what all objects have", () => {
    expect(converterOf("constructor", 7)).toBeUndefined();
    expect(converterOf("__proto__", 20)).toBeUndefined();
  });
});
