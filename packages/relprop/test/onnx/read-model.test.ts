/** What readModel makes of well-formed files, and how it says what is wrong with others. */

import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ModelFileError } from "../../src/errors.ts";
import {
  type DataType,
  type Model,
  type Tensor,
  concatChunks,
  numbersOf,
  printGraph,
  readModel,
  writeModel,
} from "../../src/onnx/index.ts";
import {
  AttributeProto_AttributeType as Type,
  TensorProto_DataLocation,
  TensorProto_DataType as Code,
  TensorProtoSchema,
} from "../../src/onnx/onnx_pb.ts";
import { inferGraph } from "../../src/onnx/infer-shapes.ts";
import { readTensorBytes } from "../../src/onnx/read/tensor.ts";
import {
  type GraphInit,
  type NodeInit,
  type TensorInit,
  bytesOf,
  encoded,
  relu,
  valueInfo,
} from "./protos.ts";

const read = (graph: GraphInit): Model => readModel(encoded(graph), { file: "model.onnx" });

function initializerOf(tensor: TensorInit): Tensor {
  const constant = read({ initializer: [{ name: "w", ...tensor }] }).graph.initializers.get("w");
  if (!constant) throw new Error("no initializer");
  return constant;
}

const floats = Float32Array.of(1.5, -2, 0.1);

const half = (...floatData: number[]): Uint8Array =>
  toBinary(TensorProtoSchema, create(TensorProtoSchema, { floatData }));

const externalTensor = (location: string, entries: Record<string, string> = {}): TensorInit => ({
  name: "w",
  dataType: Code.FLOAT,
  dims: [3n],
  dataLocation: TensorProto_DataLocation.EXTERNAL,
  externalData: Object.entries({ location, ...entries }).map(([key, value]) => ({ key, value })),
});

const readWith = (init: TensorInit, readExternal?: (...asked: unknown[]) => Uint8Array): Model =>
  readModel(encoded({ initializer: [init] }), {
    file: "model.onnx",
    ...(readExternal && { readExternal }),
  });

const give = (length: number) => () => new Uint8Array(length);

const missing = (): never => {
  throw new Error("ENOENT");
};

describe("readModel reads weights", () => {
  const values = [1, 0, 2, 127];
  const lists: readonly (readonly [DataType, Code, TensorInit, ArrayBufferView<ArrayBuffer>])[] = [
    ["float32", Code.FLOAT, { floatData: [1.5, -2, 0.1, 4] }, Float32Array.of(1.5, -2, 0.1, 4)],
    ["float64", Code.DOUBLE, { doubleData: [1.5, -2, 0.1, 4] }, Float64Array.of(1.5, -2, 0.1, 4)],
    ["float16", Code.FLOAT16, { int32Data: [0x3c00, 0xc000, 0, 1] }, Uint16Array.of(0x3c00, 0xc000, 0, 1)],
    ["bfloat16", Code.BFLOAT16, { int32Data: [0x3f80, 0xc000, 0, 1] }, Uint16Array.of(0x3f80, 0xc000, 0, 1)],
    ["int8", Code.INT8, { int32Data: [-128, 127, 0, -1] }, Int8Array.of(-128, 127, 0, -1)],
    ["int16", Code.INT16, { int32Data: [-32768, 3, 0, -1] }, Int16Array.of(-32768, 3, 0, -1)],
    ["int32", Code.INT32, { int32Data: [-(2 ** 31), 3, 0, -1] }, Int32Array.of(-(2 ** 31), 3, 0, -1)],
    [
      "int64",
      Code.INT64,
      { int64Data: [-(2n ** 63n), 3n, 0n, -1n] },
      BigInt64Array.of(-(2n ** 63n), 3n, 0n, -1n),
    ],
    ["uint8", Code.UINT8, { int32Data: [255, 3, 0, 1] }, Uint8Array.of(255, 3, 0, 1)],
    ["uint16", Code.UINT16, { int32Data: [65535, 3, 0, 1] }, Uint16Array.of(65535, 3, 0, 1)],
    [
      "uint32",
      Code.UINT32,
      { uint64Data: [2n ** 32n - 1n, 3n, 0n, 1n] },
      Uint32Array.of(2 ** 32 - 1, 3, 0, 1),
    ],
    [
      "uint64",
      Code.UINT64,
      { uint64Data: [2n ** 64n - 1n, 3n, 0n, 1n] },
      BigUint64Array.of(2n ** 64n - 1n, 3n, 0n, 1n),
    ],
    ["bool", Code.BOOL, { int32Data: [1, 0, 0, 1] }, Uint8Array.of(1, 0, 0, 1)],
  ];
  it.each(lists)("of type %s from typed lists and from raw bytes", (dataType, code, list, array) => {
    const expected = { dataType, dims: [2, 2], bytes: bytesOf(array) };
    const listed = initializerOf({ dataType: code, dims: [2n, 2n], ...list });
    const raw = initializerOf({ dataType: code, dims: [2n, 2n], rawData: bytesOf(array) });
    expect({ ...listed, bytes: new Uint8Array(listed.bytes) }).toEqual(expected);
    expect({ ...raw, bytes: new Uint8Array(raw.bytes) }).toEqual(expected);
  });

  it("of texts, as nodes that give them, also after writing", () => {
    const texts = ["setosa", "Löwe"].map((text) => new TextEncoder().encode(text));
    const file = encoded({
      initializer: [
        { name: "names", dataType: Code.STRING, dims: [2n], stringData: texts },
        { name: "one", dataType: Code.STRING, stringData: texts.slice(1) },
      ],
      node: [
        relu("x", "y"),
        {
          opType: "Constant",
          output: ["c"],
          attribute: [{ name: "value_strings", type: Type.STRINGS, strings: texts }],
        },
      ],
    });
    const model = readModel(file);
    const again = readModel(concatChunks(writeModel(model).chunks));
    for (const { graph } of [model, again]) {
      expect(graph.initializers.size).toBe(0);
      const given = Object.fromEntries(graph.nodes.map((node) => [node.outputs[0], node.attributes]));
      const list = { value_strings: { type: "strings", value: ["setosa", "Löwe"] } };
      expect(given).toMatchObject({ names: list, c: list, one: { value_string: { value: "Löwe" } } });
      expect(inferGraph(graph).get("names")).toMatchObject({ dataType: "string", shape: [2] });
    }
  });

  it("as views on the file, raw or as a packed list of floats", () => {
    const file = encoded({
      initializer: [
        { name: "raw", dataType: Code.FLOAT, dims: [3n], rawData: bytesOf(floats) },
        { name: "list", dataType: Code.FLOAT, dims: [3n], floatData: [...floats] },
        { name: "doubles", dataType: Code.DOUBLE, dims: [2n], doubleData: [1, 2] },
      ],
      node: [
        relu("x", "y"),
        {
          opType: "Constant",
          output: ["c"],
          attribute: [
            {
              name: "value",
              type: Type.TENSOR,
              t: { dataType: Code.UINT8, dims: [4n], rawData: Uint8Array.from(values) },
            },
          ],
        },
      ],
    });
    const { initializers } = readModel(file).graph;
    expect([...initializers.keys()]).toEqual(["raw", "list", "doubles", "c"]);
    for (const { bytes } of initializers.values()) expect(bytes.buffer).toBe(file.buffer);
    expect(initializers.get("list")?.bytes).toEqual(initializers.get("raw")?.bytes);
  });

  it("that are empty or scalar", () => {
    expect(initializerOf({ dataType: Code.FLOAT, dims: [0n, 3n] }).bytes).toHaveLength(0);
    expect(initializerOf({ dataType: Code.FLOAT, floatData: [2] }).dims).toEqual([]);
  });

  it("from a list that another tool split in two", () => {
    const head = toBinary(
      TensorProtoSchema,
      create(TensorProtoSchema, { name: "w", dims: [3n], dataType: Code.FLOAT }),
    );
    const bytes = Uint8Array.from([...half(1.5, -2), ...head, ...half(Math.fround(0.1))]);
    const read = readTensorBytes({ what: "cannot read", readExternal: undefined }, bytes);
    expect(read.name).toBe("w");
    expect("tensor" in read && Array.from(numbersOf(read.tensor))).toEqual([...floats]);
  });

  const constants: readonly (readonly [
    string,
    NonNullable<NodeInit["attribute"]>[number],
    DataType,
    number[],
    number[],
  ])[] = [
    ["value_float", { type: Type.FLOAT, f: 0.5 }, "float32", [], [0.5]],
    ["value_floats", { type: Type.FLOATS, floats: [0.5, 2] }, "float32", [2], [0.5, 2]],
    ["value_int", { type: Type.INT, i: -3n }, "int64", [], [-3]],
    ["value_ints", { type: Type.INTS, ints: [1n, 2n] }, "int64", [2], [1, 2]],
    [
      "value",
      { type: Type.TENSOR, t: { dataType: Code.INT32, dims: [1n], int32Data: [7] } },
      "int32",
      [1],
      [7],
    ],
  ];
  it.each(constants)("from Constant nodes with %s", (name, attribute, dataType, dims, numbers) => {
    const node = [relu("x", "y"), { opType: "Constant", output: ["c"], attribute: [{ name, ...attribute }] }];
    const { graph } = read({ node });
    const constant = graph.initializers.get("c");
    expect(constant?.dataType).toBe(dataType);
    expect(constant?.dims).toEqual(dims);
    expect(constant && Array.from(numbersOf(constant))).toEqual(numbers);
    expect(graph.nodes).toHaveLength(1);
  });
});

describe("readModel reads external data", () => {
  it("by asking for the right bytes, without a copy", () => {
    const asked: unknown[] = [];
    const bytes = bytesOf(floats);
    const model = readWith(
      externalTensor("data/weights.bin", { offset: "4096", length: "12" }),
      (...args) => {
        asked.push(args);
        return bytes;
      },
    );
    expect(asked).toEqual([["data/weights.bin", 4096, 12]]);
    expect(model.graph.initializers.get("w")?.bytes).toBe(bytes);
  });

  it("whose length follows from the shape", () => {
    const asked: unknown[] = [];
    readWith(externalTensor("./w"), (...args) => {
      asked.push(args);
      return bytesOf(floats);
    });
    expect(asked).toEqual([["./w", 0, 12]]);
  });

  const bad = [
    "",
    "/etc/passwd",
    "../w",
    "a/../../w",
    "a/..",
    "c:w",
    "C:\\w",
    "a\\..\\..\\w",
    "\\\\host\\w",
    "a//b",
    "w/",
    ".. /w",
    "a.",
    "w\u0000",
    "*/x",
    "file:///w",
  ];
  it.each(bad)("but refuses the location %j", (location) => {
    expect(() => readWith(externalTensor(location), () => bytesOf(floats))).toThrow(ModelFileError);
    expect(() => readWith(externalTensor(location), () => bytesOf(floats))).toThrow(
      /path is refused because it|path is refused because a part/,
    );
  });

  it("but says which file it needs when there is no way to read it", () => {
    expect(() => readWith(externalTensor("w.bin"))).toThrow(
      'cannot read "model.onnx" (initializer "w"): its data is in the file "w.bin", which was not given; pass `readExternal`',
    );
  });

  it("but refuses numbers that are none, lengths that do not fit, and files that cannot be read", () => {
    expect(() => readWith(externalTensor("w", { offset: "-1" }), give(12))).toThrow(
      'the offset of its external data is "-1"',
    );
    expect(() => readWith(externalTensor("w", { offset: "9".repeat(30) }), give(12))).toThrow(
      "not a number of bytes",
    );
    expect(() => readWith(externalTensor("w", { length: "16" }), give(12))).toThrow(
      "has 16 bytes, but its shape needs 12",
    );
    expect(() => readWith(externalTensor("w"), give(8))).toThrow("it has 8 bytes of data");
    expect(() => readWith(externalTensor("w"), missing)).toThrow(
      'its data in the file "w" cannot be read: ENOENT',
    );
  });
});

describe("readModel reads graphs", () => {
  it("with the sizes that have no name given one of their own", () => {
    const { graph } = read({
      input: [valueInfo("x", [undefined, 2, "x_dim0", -1])],
      output: [valueInfo("y", ["", 2, 3, undefined])],
    });
    expect(graph.inputs[0]?.shape).toEqual(["x_dim0_2", 2, "x_dim0", "x_dim3"]);
    expect(graph.outputs[0]?.shape).toEqual(["y_dim0", 2, 3, "y_dim3"]);
  });

  it("with outputs whose type and shape follow from the rest, in any opset", () => {
    const bytes = encoded(
      {
        node: [
          {
            opType: "Unsqueeze",
            input: ["x"],
            output: ["y"],
            attribute: [{ name: "axes", type: Type.INTS, ints: [1n] }],
          },
        ],
        output: [{ name: "y" }],
      },
      { opsetImport: [{ domain: "ai.onnx", version: 11n }] },
    );
    const { graph, opsets } = readModel(bytes);
    expect(opsets).toEqual({ "": 11 });
    expect(graph.outputs).toEqual([{ name: "y", dataType: "float32", shape: ["N", 1, 2] }]);
  });

  it("with constants that are listed as inputs, as files before IR version 4 do", () => {
    const { graph } = read({
      input: [valueInfo("x", ["N", 2]), valueInfo("w", [3])],
      initializer: [{ name: "w", dataType: Code.FLOAT, dims: [3n], rawData: bytesOf(floats) }],
    });
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(graph.initializers.has("w")).toBe(true);
  });

  it("with nodes in topological order, the file's where it is one", () => {
    const { graph } = read({ node: [relu("b", "y"), relu("x", "a"), relu("a", "b"), relu("x", "z")] });
    expect(graph.nodes.flatMap((node) => node.outputs)).toEqual(["a", "b", "y", "z"]);
    const kept = read({ node: [relu("x", "z"), relu("x", "a"), relu("a", "y")] });
    expect(kept.graph.nodes.flatMap((node) => node.outputs)).toEqual(["z", "a", "y"]);
  });

  it("with a subgraph's uses counted when nodes are sorted", () => {
    const g = { node: [relu("late", "inner")], output: [valueInfo("inner", [2])] };
    const { graph } = read({
      node: [
        {
          opType: "If",
          input: ["x"],
          output: ["y"],
          attribute: [{ name: "then_branch", type: Type.GRAPH, g }],
        },
        relu("x", "late"),
      ],
    });
    expect(graph.nodes.map((node) => node.opType)).toEqual(["Relu", "If"]);
    expect(graph.nodes[1]?.attributes["then_branch"]).toMatchObject({
      type: "graph",
      value: { inputs: [], outputs: [{ name: "inner" }], nodes: [{ opType: "Relu", inputs: ["late"] }] },
    });
  });

  it("with a name of its own for every node", () => {
    const { graph } = read({
      node: [relu("x", "a"), relu("a", "b", "same"), relu("b", "c", "same"), relu("c", "y", "Relu_0")],
    });
    expect(graph.nodes.map(({ name }) => name)).toEqual(["Relu_0_", "same", "Relu_2", "Relu_0"]);
  });

  it("with attributes as numbers and texts, whatever their names", () => {
    const attribute = [
      { name: "int", type: Type.INT, i: 2n ** 63n - 1n },
      { name: "float", type: Type.FLOAT, f: 0.5 },
      { name: "text", type: Type.STRING, s: new TextEncoder().encode("größer") },
      { name: "bytes", type: Type.STRING, s: Uint8Array.of(0xff, 0xfe) },
      { name: "ints", ints: [1n, -1n] },
      { name: "texts", type: Type.STRINGS, strings: [new TextEncoder().encode("a")] },
      { name: "type", type: Type.TYPE_PROTO, tp: {} },
      { name: "__proto__", type: Type.INT, i: 1n },
    ];
    const { graph } = read({
      node: [{ opType: "Custom", domain: "my", input: ["x"], output: ["y"], attribute }],
    });
    const attributes = new Map(Object.entries(graph.nodes[0]?.attributes ?? {}));
    expect(attributes.get("int")).toEqual({ type: "int", value: 2 ** 63 });
    expect(attributes.get("float")).toEqual({ type: "float", value: 0.5 });
    expect(attributes.get("text")).toEqual({ type: "string", value: "größer" });
    expect(attributes.get("bytes")?.type).toBe("opaque");
    expect(attributes.get("ints")).toEqual({ type: "ints", value: [1, -1] });
    expect(attributes.get("texts")).toEqual({ type: "strings", value: ["a"] });
    expect(attributes.get("type")?.type).toBe("opaque");
    expect(attributes.get("__proto__")).toEqual({ type: "int", value: 1 });
    expect(graph.nodes[0]?.domain).toBe("my");
  });

  it("with producer and metadata", () => {
    const model = readModel(
      encoded(
        {},
        { producerName: "pytorch", producerVersion: "2.1", metadataProps: [{ key: "a", value: "b" }] },
      ),
    );
    expect(model).toMatchObject({ producer: "pytorch 2.1", metadata: { a: "b" }, irVersion: 8 });
    expect(printGraph(model.graph)).toBe("input x: float32[N, 2]\noutput y: float32[N, 2]\ny = Relu(x)");
  });
});
