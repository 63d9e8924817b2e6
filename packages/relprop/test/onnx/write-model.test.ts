/** Written models: read back the same, run by ONNX Runtime, and never a copy of the weights. */

import { readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { ModelFileError } from "../../src/errors.ts";
import {
  type Graph,
  GraphBuilder,
  type Model,
  type Node,
  type Tensor,
  concatChunks,
  externalView,
  float32Tensor,
  floats,
  float,
  int,
  ints,
  readModel,
  string,
  writeModel,
} from "../../src/onnx/index.ts";
import { ModelProtoSchema } from "../../src/onnx/onnx_pb.ts";
import { randomNumbers, relativeDistance } from "../support/run.ts";
import { encoded } from "./protos.ts";

const modelOf = (graph: Graph): Model => ({
  irVersion: 8,
  opsets: { "": 17 },
  producer: "relprop test",
  metadata: { composite: "epsilon" },
  graph,
});

/** A tensor whose bytes start at an odd address. */
function unaligned(count: number, dims: readonly number[], seed: number): Tensor {
  const numbers = randomNumbers(count, seed);
  const bytes = new Uint8Array(4 * count + 1).subarray(1);
  bytes.set(new Uint8Array(numbers.buffer));
  return { dataType: "float32", dims, bytes };
}

/** x [N, 20] · w1 [20, 30] · w2 [30, 20] + b [20] */
function smallModel(): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 20]);
  const hidden = b.op("MatMul", [x, b.constant(unaligned(600, [20, 30], 1), "w1")]);
  const y = b.op("MatMul", [hidden, b.constant(unaligned(600, [30, 20], 2), "w2")]);
  b.output(b.op("Add", [y, b.constant(float32Tensor(randomNumbers(20, 3), [20]), "b")]), "y");
  return modelOf(b.graph("small"));
}

async function run(
  bytes: Uint8Array,
  externalData: { path: string; data: Uint8Array }[] = [],
): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3, externalData });
  const { y } = await session.run({ x: new ort.Tensor("float32", randomNumbers(60, 9), [3, 20]) });
  const data = Float32Array.from(y?.data as Float32Array);
  await session.release();
  return data;
}

const relu = (input: string, output: string): Node => ({
  name: output,
  opType: "Relu",
  domain: "",
  inputs: [input],
  outputs: [output],
  attributes: {},
});

describe("writeModel", () => {
  it("writes what readModel reads back", () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", ["N", 3, "h*2", 5]);
    b.output(b.op("Relu", [x]), "y");
    const attributes = {
      int: int(-3),
      most: int(2 ** 63),
      float: float(0.5),
      text: string("größer"),
      ints: ints([1, -(2 ** 40)]),
      floats: floats([0.5, Infinity]),
      none: ints([]),
      texts: { type: "strings", value: ["a", ""] },
      tensor: { type: "tensor", value: { dataType: "int8", dims: [2], bytes: Uint8Array.of(1, 255) } },
    } as const;
    const node: Node = {
      name: "odd",
      opType: "Odd",
      domain: "my",
      inputs: ["x", "", "y"],
      outputs: ["", "z"],
      attributes,
    };
    const graph = b.graph("g");
    const initializers = new Map([
      ["empty", float32Tensor([], [0, 3])],
      ["w", unaligned(300, [300], 1)],
    ] as const);
    const model = modelOf({ ...graph, initializers, nodes: [...graph.nodes, node] });
    const again = readModel(concatChunks(writeModel({ ...model, opsets: { "": 17, my: 1 } }).chunks));
    expect(again).toEqual({ ...model, opsets: { "": 17, my: 1 } });
  });

  it("keeps subgraphs as they are", () => {
    const golden = encoded({
      node: [
        {
          opType: "If",
          input: ["x"],
          output: ["y"],
          attribute: [{ name: "g", type: 5, g: { name: "inner" } }],
        },
      ],
    });
    const model = readModel(golden);
    expect(readModel(concatChunks(writeModel(model).chunks))).toEqual(model);
  });

  it("passes weights on as the views they are", () => {
    const model = smallModel();
    const { chunks, byteLength } = writeModel(model);
    const weights = new Set(["w1", "w2"].map((name) => model.graph.initializers.get(name)?.bytes));
    expect(chunks.filter((chunk) => weights.has(chunk))).toHaveLength(2);
    expect(chunks).toHaveLength(5);
    expect(concatChunks(chunks)).toHaveLength(byteLength);
  });

  it("writes nodes with a body as their body, bodies in bodies included", () => {
    const inner: Node = { ...relu("x", "b"), opType: "Inner", body: [relu("x", "a"), relu("a", "b")] };
    const outer: Node = {
      ...relu("x", "y"),
      opType: "Outer",
      domain: "relprop",
      body: [inner, relu("b", "y")],
    };
    const io = { dataType: "float32", shape: [2] } as const;
    const model = modelOf({
      name: "g",
      inputs: [{ name: "x", ...io }],
      outputs: [{ name: "y", ...io }],
      initializers: new Map(),
      nodes: [outer],
    });
    const { graph } = readModel(concatChunks(writeModel(model).chunks));
    expect(graph.nodes.map(({ opType, outputs }) => `${opType} ${outputs.join()}`)).toEqual([
      "Relu a",
      "Relu b",
      "Relu y",
    ]);
  });

  it.each([
    [7, 4n],
    [10, 5n],
    [11, 6n],
    [12, 7n],
    [13, 7n],
    [15, 8n],
    [17, 8n],
    [18, 8n],
    [20, 9n],
    [21, 10n],
  ])("gives opset %i the IR version %i", (opset, irVersion) => {
    const bytes = concatChunks(writeModel({ ...smallModel(), opsets: { "": opset } }).chunks);
    expect(fromBinary(ModelProtoSchema, bytes).irVersion).toBe(irVersion);
  });

  it.each([17, 21])("says what nodes are made for, in opset %i", (opset) => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", ["N", 2]);
    const y = b.op("Relu", [x], {}, "own");
    const owner = { node: "own", rule: "zplus(bias=0)" };
    const twice = b.within({ name: "lrp/own", owner }, () => [
      b.op("Div", [y, x]),
      b.within("stabilize", () => b.op("ReduceSum", [y])),
      // It is there, and stays what it is.
      b.op("Relu", [x]),
      b.within({ name: "lrp/seed", owner: { node: "x" } }, () => b.op("Div", [x, y])),
    ]);
    for (const value of twice) b.output(value);
    const bytes = concatChunks(writeModel({ ...modelOf(b.graph("net")), opsets: { "": opset } }).chunks);
    const nodes = fromBinary(ModelProtoSchema, bytes).graph!.node;
    expect(nodes.map(({ name }) => name)).toEqual([
      "own",
      "lrp/own/divide",
      "lrp/own/stabilize/reduce-sum",
      "lrp/seed/divide",
    ]);
    const words = nodes.map(({ docString, metadataProps }) =>
      opset < 21 ? docString : metadataProps.map(({ key, value }) => `${key}=${value}`).join("; "),
    );
    const ofOwn = "relprop.node=own; relprop.rule=zplus(bias=0)";
    expect(words).toEqual(["", ofOwn, ofOwn, "relprop.node=x"]);
    expect(
      nodes.every(({ docString, metadataProps }) => docString === "" || metadataProps.length === 0),
    ).toBe(true);
  });

  it("puts weights into an external file at page boundaries", async () => {
    const model = smallModel();
    const { chunks, external } = writeModel(model, { external: { location: "model.data" } });
    if (!external) throw new Error("no external file");
    const data = concatChunks(external.chunks);
    expect(external.location).toBe("model.data");
    expect(data).toHaveLength(external.byteLength);
    expect(external.chunks).toContain(model.graph.initializers.get("w2")?.bytes);
    const asked: number[] = [];
    const bytes = concatChunks(chunks);
    const again = readModel(bytes, {
      readExternal: (location, offset, length = data.length) => {
        expect(location).toBe("model.data");
        asked.push(offset);
        return data.subarray(offset, offset + length);
      },
    });
    expect(asked).toEqual([0, 4096]);
    expect(again).toEqual(model);
    const whole = await run(concatChunks(writeModel(model).chunks));
    expect(await run(bytes, [{ path: "model.data", data }])).toEqual(whole);
  });

  it("keeps tensors below the threshold in the model file", () => {
    const { external } = writeModel(smallModel(), { external: { location: "w", threshold: 1 } });
    expect(external?.byteLength).toBe(2 * 4096 + 80);
    const none = writeModel(smallModel(), { external: { location: "w", threshold: 10_000 } });
    expect(none.external).toEqual({ location: "w", chunks: [], byteLength: 0 });
  });

  it("refuses external files outside of the model's folder", () => {
    expect(() => writeModel(smallModel(), { external: { location: "../w" } })).toThrow(ModelFileError);
  });

  it("refuses a file of 2 GiB, and writes it with external data", () => {
    // 40 names for the same 64 MiB, which nobody reads.
    const bytes = new Uint8Array(2 ** 26);
    const weight: Tensor = { dataType: "float32", dims: [2 ** 24], bytes };
    const initializers = new Map(Array.from({ length: 40 }, (_, i) => [`w${i}`, weight] as const));
    const model = smallModel();
    const large = { ...model, graph: { ...model.graph, initializers } };
    expect(() => writeModel(large)).toThrow(ModelFileError);
    expect(() => writeModel(large)).toThrow("write it with `external` data");
    const { byteLength, external } = writeModel(large, { external: { location: "w" } });
    expect(byteLength).toBeLessThan(10_000);
    expect(external?.byteLength).toBe(40 * 2 ** 26);
  });
});

describe("externalView", () => {
  it("lets a session use weights where they are, at any address", async () => {
    const model = smallModel();
    const { bytes, data } = externalView(model);
    expect(bytes.length).toBeLessThan(1000);
    expect(data.map(({ path }) => path)).toEqual(["weights/0", "weights/1"]);
    expect(data[0]?.data).toBe(model.graph.initializers.get("w1")?.bytes);
    expect((data[0]?.data.byteOffset ?? 0) % 4).toBe(1);
    expect(await run(bytes, data)).toEqual(await run(concatChunks(writeModel(model).chunks)));
  });
});

describe("reading and writing together", () => {
  it.each(["convnet", "mlp-signed", "mobilenet-bn", "resnet-bn", "vgg-tiny"])(
    "keep what %s computes",
    async (folder) => {
      const original = readFileSync(new URL(`../golden/${folder}/model.onnx`, import.meta.url));
      const model = readModel(original);
      const [input] = model.graph.inputs;
      if (!input) throw new Error("no input");
      const dims = input.shape.map((dim) => (typeof dim === "number" ? dim : 1));
      const x = new ort.Tensor(
        "float32",
        randomNumbers(
          dims.reduce((a, b) => a * b, 1),
          4,
        ),
        dims,
      );
      const view = externalView(model);
      const results: Float32Array[] = [];
      for (const [bytes, externalData] of [
        [original, []],
        [concatChunks(writeModel(model).chunks), []],
        [view.bytes, view.data],
      ] as const) {
        const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3, externalData });
        const result = Object.values(await session.run({ [input.name]: x }))[0];
        results.push(Float32Array.from(result?.data as Float32Array));
        await session.release();
      }
      expect(results[1]).toEqual(results[0]);
      expect(relativeDistance(results[2] ?? [], results[0] ?? [])).toBe(0);
    },
  );
});
