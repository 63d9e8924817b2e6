/** Files that want to hurt: whatever the bytes, readModel gives a model or one clear error, soon. */

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { array, assert, nat, property, tuple, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelFileError } from "../../src/errors.ts";
import { concatChunks, readModel, writeModel } from "../../src/onnx/index.ts";
import {
  AttributeProto_AttributeType as Type,
  TensorProto_DataType as Code,
} from "../../src/onnx/onnx_pb.ts";
import { encoded, relu, valueInfo } from "./protos.ts";

const small = encoded({
  input: [valueInfo("x", ["N", 3, undefined, 8])],
  initializer: [
    { name: "w", dataType: Code.FLOAT, dims: [2n, 2n], rawData: new Uint8Array(16) },
    { name: "list", dataType: Code.FLOAT, dims: [3n], floatData: [1, 2, 3] },
    { name: "axes", dataType: Code.INT64, dims: [2n], int64Data: [1n, -1n] },
  ],
  node: [
    relu("x", "a"),
    {
      opType: "Conv",
      input: ["a", "w"],
      output: ["b"],
      attribute: [{ name: "pads", type: Type.INTS, ints: [1n, 1n] }],
    },
    {
      opType: "Constant",
      output: ["c"],
      attribute: [
        { name: "value", type: Type.TENSOR, t: { dataType: Code.INT8, dims: [1n], int32Data: [-1] } },
      ],
    },
    {
      opType: "If",
      input: ["b"],
      output: ["y"],
      attribute: [{ name: "then_branch", type: Type.GRAPH, g: { node: [relu("c", "d")] } }],
    },
  ],
});

/** The bytes make a model that can be written, or an error of one line that names the file. */
function readsOrSays(bytes: Uint8Array): void {
  try {
    writeModel(readModel(bytes, { file: "evil.onnx" }));
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFileError);
    const { message } = error as ModelFileError;
    expect(message).toMatch(/^cannot read "evil\.onnx"/);
    expect(message.length).toBeLessThan(1000);
  }
}

const saysOf = (bytes: Uint8Array): string => {
  try {
    readModel(bytes, { file: "evil.onnx" });
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFileError);
    return (error as ModelFileError).message;
  }
  return "";
};

/** A length-delimited field. */
const field = (number: number, bytes: Uint8Array): Uint8Array =>
  new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish();

describe("readModel of hostile bytes", () => {
  it("is sound for the model that is broken below", () => {
    expect(readModel(small).graph.nodes).toHaveLength(3);
  });

  it("says what is wrong for every truncation", () => {
    for (let length = 0; length < small.length; length++) readsOrSays(small.subarray(0, length));
  });

  it("gives a model or an error for every flipped bit", () => {
    for (let bit = 0; bit < 8 * small.length; bit++) {
      const bytes = Uint8Array.from(small);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      readsOrSays(bytes);
    }
  });

  it("gives a model or an error for bytes that are overwritten, inserted or cut out at random", () => {
    const edit = tuple(nat(small.length - 1), nat(8), uint8Array({ maxLength: 8 }));
    assert(
      property(array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let bytes = [...small];
        for (const [at, cut, insert] of edits)
          bytes = [...bytes.slice(0, at), ...insert, ...bytes.slice(at + cut)];
        readsOrSays(Uint8Array.from(bytes));
      }),
      { numRuns: 1500, seed: 1 },
    );
  });

  it("gives an error for noise", () => {
    assert(property(uint8Array({ minLength: 1, maxLength: 200 }), readsOrSays), {
      numRuns: 1000,
      seed: 2,
    });
  });

  it("says that other kinds of file are no ONNX models", () => {
    for (const start of [
      "PK\u0003\u0004",
      "\u0089PNG\r\n",
      "<!DOCTYPE html>",
      '{"a": 1}',
      "version https://git-lfs",
    ]) {
      expect(saysOf(new TextEncoder().encode(start.padEnd(100, "x")))).toContain(
        "it is not an ONNX model, or damaged",
      );
    }
  });

  it("stops at a length of 4 GB", () => {
    const bytes = new BinaryWriter().tag(7, WireType.LengthDelimited).uint32(0xffffffff).finish();
    expect(saysOf(bytes)).toContain("byte 0 announces 4294967295 bytes, but 0 are there");
  });

  it("stops at messages that are nested a thousand deep", () => {
    // GraphProto.node (1), NodeProto.attribute (5), AttributeProto.g (6), around each other
    let graph: Uint8Array = new Uint8Array();
    for (let depth = 0; depth < 1000; depth++) graph = field(1, field(5, field(6, graph)));
    expect(saysOf(field(7, graph))).toContain("nested more than 64 deep");
  });

  it("stops at groups of unknown fields that are nested ten thousand deep", () => {
    const bytes = new Uint8Array(20_000).fill(0xa3).fill(0x06);
    for (let i = 0; i < bytes.length; i += 2) bytes.set([0xa3, 0x06], i);
    expect(saysOf(bytes)).toContain("it is not an ONNX model");
  });

  it("stops at millions of empty nodes before it makes an object of each", () => {
    const nodes = new Uint8Array(6_000_000);
    for (let i = 0; i < nodes.length; i += 2) nodes[i] = 0x0a;
    expect(saysOf(field(7, nodes))).toContain("it has more than 2097152 nodes, values and attributes");
  });

  it("stops at many axes of a tensor", () => {
    const dims = new Uint8Array(1_000_000).fill(1);
    expect(
      saysOf(encoded({ initializer: [{ name: "w", dims: Array.from(dims, BigInt), dataType: Code.FLOAT }] })),
    ).toContain("it has 1000000 axes");
  });

  it("sorts a chain of nodes that is given backwards, without recursion", () => {
    const count = 20_000;
    const node = Array.from({ length: count }, (_, i) =>
      relu(i === count - 1 ? "x" : `v${i + 1}`, i === 0 ? "y" : `v${i}`),
    );
    const { graph } = readModel(encoded({ node }));
    expect(graph.nodes[0]?.inputs).toEqual(["x"]);
    expect(graph.nodes).toHaveLength(count);
  });

  it("says it in one line, whatever the names", () => {
    const message = saysOf(
      encoded({ node: [relu("x", "y", "a\nb\u001b[31m"), relu("ghost\r\n".repeat(1e5), "z")] }),
    );
    expect(message).toContain("no node computes its input");
    expect(message.length).toBeLessThan(600);
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(saysOf(encoded({ node: [relu("ghost", "y", "a\nb")] }))).toContain('Relu "a b"');
  });

  it("keeps names that are traps for JavaScript objects", () => {
    const bytes = encoded(
      { node: [{ ...relu("x", "y"), name: "__proto__", opType: "constructor", domain: "toString" }] },
      { metadataProps: [{ key: "__proto__", value: "kept" }] },
    );
    const model = readModel(bytes);
    expect(Object.entries(model.metadata)).toEqual([["__proto__", "kept"]]);
    expect(readModel(concatChunks(writeModel(model).chunks))).toEqual(model);
  });
});
