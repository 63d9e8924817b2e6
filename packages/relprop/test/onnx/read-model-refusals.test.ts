/** Files that readModel refuses, and how it says so. */

import { describe, expect, it } from "vitest";
import { ModelFileError } from "../../src/errors.ts";
import { type Model, readModel } from "../../src/onnx/index.ts";
import {
  AttributeProto_AttributeType as Type,
  TensorProto_DataLocation,
  TensorProto_DataType as Code,
} from "../../src/onnx/onnx_pb.ts";
import { type GraphInit, type TensorInit, bytesOf, encoded, relu, valueInfo } from "./protos.ts";

const read = (graph: GraphInit): Model => readModel(encoded(graph), { file: "model.onnx" });

const floats = Float32Array.of(1.5, -2, 0.1);

describe("readModel refuses", () => {
  const weight: TensorInit = { name: "w", dataType: Code.FLOAT, dims: [3n], rawData: bytesOf(floats) };
  const refused: readonly (readonly [string, GraphInit])[] = [
    ['there are two values "w"', { initializer: [weight, weight] }],
    ["it has no name", { initializer: [{ ...weight, name: "" }] }],
    ["it has a size of -1", { initializer: [{ ...weight, dims: [-1n, -3n] }] }],
    [`it has a size of ${2n ** 60n}`, { initializer: [{ ...weight, dims: [2n ** 60n] }] }],
    ["is too large", { initializer: [{ ...weight, dims: [2n ** 40n, 2n ** 40n] }] }],
    [
      "it has 12 bytes of data, but its shape [4] of float32 needs 16",
      { initializer: [{ ...weight, dims: [4n] }] },
    ],
    ["it has 65 axes", { initializer: [{ ...weight, dims: Array.from({ length: 65 }, () => 1n) }] }],
    ["its data is given twice", { initializer: [{ ...weight, floatData: [1, 2, 3] }] }],
    [
      "it has 0 bytes of data",
      { initializer: [{ name: "w", dataType: Code.INT32, dims: [3n], floatData: [1, 2, 3] }] },
    ],
    ["its elements are of type FLOAT4E2M1", { initializer: [{ ...weight, dataType: Code.FLOAT4E2M1 }] }],
    [
      "it has 12 bytes of data, but its shape [3] of INT4 needs 2",
      { initializer: [{ ...weight, dataType: Code.INT4 }] },
    ],
    ["its elements are of type FLOAT8E4M3FN", { initializer: [{ ...weight, dataType: Code.FLOAT8E4M3FN }] }],
    ["its elements are of type number 99", { initializer: [{ ...weight, dataType: 99 }] }],
    [
      "its elements are of type STRING",
      { initializer: [{ name: "w", dataType: Code.STRING, dims: [0n, 2n] }] },
    ],
    ["its data comes in segments", { initializer: [{ ...weight, segment: { begin: 0n, end: 1n } }] }],
    ["it is sparse", { sparseInitializer: [{ values: weight, dims: [9n] }] }],
    ['another node or constant also gives its output "x"', { node: [relu("x", "x"), relu("x", "y")] }],
    ['another node or constant also gives its output "y"', { node: [relu("x", "y"), relu("x", "y")] }],
    ['no node computes its input "ghost"', { node: [relu("ghost", "y")] }],
    ["depends on its own output", { node: [relu("b", "a"), relu("a", "b"), relu("a", "y")] }],
    ["depends on its own output", { node: [relu("y", "y")] }],
    ["it has no operator", { node: [{ ...relu("x", "y"), opType: "" }] }],
    ["it has no outputs", { output: [] }],
    ["no node computes it", { output: [valueInfo("z", [1])] }],
    ["it is there twice", { output: [valueInfo("y", [1]), valueInfo("y", [1])] }],
    ["it needs a unique name", { input: [valueInfo("x", [1]), valueInfo("x", [1])] }],
    ["it has a size of -2", { input: [valueInfo("x", [-2])] }],
    [
      "it has 65 axes",
      {
        input: [
          valueInfo(
            "x",
            Array.from({ length: 65 }, () => 1),
          ),
        ],
      },
    ],
    ["it has no type and shape", { input: [{ name: "x" }] }],
    ["its elements are of type COMPLEX64", { input: [valueInfo("x", [1], Code.COMPLEX64)] }],
    [
      "its type is sequence",
      { input: [{ name: "x", type: { value: { case: "sequenceType", value: {} } } }] },
    ],
    [
      "its type is optional",
      { input: [{ name: "x", type: { value: { case: "optionalType", value: {} } } }] },
    ],
    ["its type is map", { output: [{ name: "y", type: { value: { case: "mapType", value: {} } } }] }],
    [
      "does not say its type and shape",
      { node: [{ ...relu("x", "y"), opType: "Unheard" }], output: [{ name: "y" }] },
    ],
    ["inferring them failed", { node: [{ ...relu("x", "y"), opType: "Conv" }], output: [{ name: "y" }] }],
    ["its value is nothing", { node: [relu("x", "y"), { opType: "Constant", output: ["c"] }] }],
    [
      'two attributes "a"',
      {
        node: [
          {
            ...relu("x", "y"),
            attribute: [
              { name: "a", type: Type.INT },
              { name: "a", type: Type.INT },
            ],
          },
        ],
      },
    ],
    ["has no type", { node: [{ ...relu("x", "y"), attribute: [{ name: "a" }] }] }],
    [
      "refers to a parameter outside of a function",
      { node: [{ ...relu("x", "y"), attribute: [{ name: "a", refAttrName: "b" }] }] },
    ],
    [
      "keeps data in another file",
      {
        node: [
          {
            ...relu("x", "y"),
            attribute: [
              {
                name: "g",
                type: Type.GRAPHS,
                graphs: [{ initializer: [{ dataLocation: TensorProto_DataLocation.EXTERNAL }] }],
              },
            ],
          },
        ],
      },
    ],
  ];
  it.each(refused)("a graph where %s", (why, graph) => {
    expect(() => read(graph)).toThrow(ModelFileError);
    expect(() => read(graph)).toThrow(/^cannot read "model\.onnx"/);
    expect(() => read(graph)).toThrow(why);
  });

  it.each([
    [6, "it uses opset 6, and relprop reads opsets 7 to 28; export it with opset 17, or convert it with"],
    [29, "it uses opset 29"],
  ])("opset %i, saying which ones it reads", (version, why) => {
    expect(() => readModel(encoded({}, { opsetImport: [{ version: BigInt(version) }] }))).toThrow(why);
  });

  it("models without an opset or without a graph", () => {
    expect(() => readModel(encoded({}, { opsetImport: [{ domain: "ai.onnx.ml", version: 3n }] }))).toThrow(
      "does not say which opset",
    );
    const bytes = Uint8Array.of(0x08, 0x08);
    expect(() => readModel(bytes)).toThrow("cannot read the model: it has no graph");
    expect(() => readModel(new Uint8Array())).toThrow("it is empty");
  });
});
