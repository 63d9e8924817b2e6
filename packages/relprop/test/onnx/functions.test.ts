/** Models with functions of their own: ONNX Runtime runs them as they are, and must agree with what was read of them. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { ModelFileError } from "../../src/errors.ts";
import { concatChunks, printGraph, readModel, writeModel } from "../../src/onnx/index.ts";
import { AttributeProto_AttributeType as Type, TensorProto_DataType } from "../../src/onnx/onnx_pb.ts";
import { type ModelInit, type NodeInit, encoded, valueInfo } from "./protos.ts";

type FunctionInit = NonNullable<ModelInit["functions"]>[number];

const domain = "local";
const opsets = [{ domain: "", version: 17n }];
const imports = [...opsets, { domain, version: 1n }];

const node = (opType: string, input: string[], output: string[], more: NodeInit = {}): NodeInit => ({
  opType,
  input,
  output,
  ...more,
});
const call = (opType: string, input: string[], output: string[], more: NodeInit = {}): NodeInit =>
  node(opType, input, output, { domain, ...more });
const define = (
  name: string,
  input: string[],
  output: string[],
  nodes: NodeInit[],
  more: FunctionInit = {},
): FunctionInit => ({ name, domain, input, output, node: nodes, opsetImport: imports, ...more });

const model = (nodes: NodeInit[], functions: FunctionInit[]): Uint8Array =>
  encoded({ node: nodes }, { irVersion: 10n, opsetImport: imports, functions });

async function run(bytes: Uint8Array): Promise<readonly number[]> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const { y } = await session.run({ x: new ort.Tensor("float32", [1, -2, 3, -4], [2, 2]) });
  await session.release();
  return Array.from(y?.data as Float32Array);
}

const leak = define(
  "Leak",
  ["a", "b"],
  ["c"],
  [
    node("LeakyRelu", ["a"], ["t"], {
      attribute: [{ name: "alpha", refAttrName: "slope", type: Type.FLOAT }],
    }),
    node("Add", ["t", "b"], ["c"]),
  ],
  { attribute: ["slope"] },
);

const slope = (f: number): NodeInit => ({ attribute: [{ name: "slope", f, type: Type.FLOAT }] });

const cases: readonly (readonly [string, NodeInit[], FunctionInit[]])[] = [
  [
    "two calls of one function",
    [call("Leak", ["x", "x"], ["t"], slope(0.5)), call("Leak", ["t", "x"], ["y"], slope(0.25))],
    [leak],
  ],
  [
    "a parameter with a default, and one that is left out",
    [call("F", ["x"], ["t"]), call("F", ["t"], ["y"], slope(0.5))],
    [
      define(
        "F",
        ["a"],
        ["c"],
        [
          node("LeakyRelu", ["a"], ["t"], {
            attribute: [{ name: "alpha", refAttrName: "slope", type: Type.FLOAT }],
          }),
          node("Elu", ["t"], ["c"], {
            attribute: [{ name: "alpha", refAttrName: "size", type: Type.FLOAT }],
          }),
        ],
        { attributeProto: [{ name: "slope", f: 0.125, type: Type.FLOAT }], attribute: ["size"] },
      ),
    ],
  ],
  [
    "functions in functions, whose values are called like those outside",
    [node("Neg", ["x"], ["t"]), call("Outer", ["t"], ["y"])],
    [
      define(
        "Outer",
        ["x"],
        ["y"],
        [call("Leak", ["x", "x"], ["t"], slope(0.5)), call("Leak", ["t", "x"], ["y"], slope(2))],
      ),
      leak,
    ],
  ],
  [
    "overloads",
    [call("G", ["x"], ["t"], { overload: "one" }), call("G", ["t"], ["y"], { overload: "two" })],
    [
      define("G", ["a"], ["b"], [node("Neg", ["a"], ["b"])], { overload: "one" }),
      define("G", ["a"], ["b"], [node("Exp", ["a"], ["b"])], { overload: "two" }),
    ],
  ],
  [
    "a graph inside of a function, which sees its values",
    [call("Choose", ["x"], ["y"])],
    [
      define(
        "Choose",
        ["a"],
        ["c"],
        [
          node("Constant", [], ["yes"], {
            attribute: [
              {
                name: "value",
                type: Type.TENSOR,
                t: { dataType: TensorProto_DataType.BOOL, int32Data: [1] },
              },
            ],
          }),
          node("Neg", ["a"], ["t"]),
          node("If", ["yes"], ["c"], {
            attribute: ["then_branch", "else_branch"].map((name, i) => ({
              name,
              type: Type.GRAPH,
              g: {
                name,
                node: [call("Leak", ["t", "a"], ["t2"], slope(i + 1)), node("Exp", ["t2"], ["out"])],
                output: [valueInfo("out", [undefined, undefined])],
              },
            })),
          }),
        ],
      ),
      leak,
    ],
  ],
];

describe("functions of a model", () => {
  it.each(cases)("%s", async (_title, nodes, functions) => {
    const bytes = model(nodes, functions);
    const read = readModel(bytes);
    expect(read.graph.nodes.every((each) => each.domain === "")).toBe(true);
    expect(await run(concatChunks(writeModel(read).chunks))).toEqual(await run(bytes));
  });

  it("become nodes named after the call", () => {
    const { graph } = readModel(
      model([call("Leak", ["x", "x"], ["y"], { name: "here", ...slope(0.5) })], [leak]),
    );
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "input x: float32[N, 2]
      output y: float32[N, 2]
      here/t = LeakyRelu<alpha=0.5>(x)
      y = Add(here/t, x)"
    `);
    expect(graph.nodes.map(({ name }) => name)).toEqual(["here/LeakyRelu", "here/Add"]);
  });

  it("may give an input back as it is, and outputs that nobody takes", () => {
    const both = define("Both", ["a"], ["a", "b"], [node("Neg", ["a"], ["b"])]);
    const { graph } = readModel(model([call("Both", ["x"], ["t", ""]), node("Relu", ["t"], ["y"])], [both]));
    expect(printGraph(graph).split("\n").slice(2)).toEqual([
      "Both/b = Neg(x)",
      "t = Identity(x)",
      "y = Relu(t)",
    ]);
  });

  it.each<[string, NodeInit[], FunctionInit[]]>([
    [
      'the function "F" calls itself',
      [call("F", ["x"], ["y"])],
      [define("F", ["a"], ["b"], [call("F", ["a"], ["b"])])],
    ],
    ["it is defined twice", [call("Leak", ["x", "x"], ["y"])], [leak, leak]],
    ['"Leak" has only 2 inputs and 1 outputs', [call("Leak", ["x", "x", "x"], ["y"])], [leak]],
    ["it has more than 1000000 nodes", [call("F20", ["x"], ["y"])], doubling(20)],
  ])("are refused: %s", (why, nodes, functions) => {
    expect(() => readModel(model(nodes, functions))).toThrow(ModelFileError);
    expect(() => readModel(model(nodes, functions))).toThrow(why);
  });
});

/** Fₙ calls Fₙ₋₁ twice. */
function doubling(count: number): FunctionInit[] {
  const first = define("F0", ["a"], ["b"], [node("Neg", ["a"], ["b"])]);
  const others = Array.from({ length: count }, (_, i) =>
    define(`F${i + 1}`, ["a"], ["b"], [call(`F${i}`, ["a"], ["t"]), call(`F${i}`, ["t"], ["b"])]),
  );
  return [first, ...others];
}
