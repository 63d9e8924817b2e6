/** Models whose weights stay in their files: the same as when they are read whole, but that nobody reads them. */

import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compile, Explainer, ModelFileError } from "../../src/index.ts";
import { readModelFile } from "../../src/node/index.ts";
import {
  concatChunks,
  externalView,
  float32Tensor,
  GraphBuilder,
  ints,
  readModel,
  writeModel,
  type Model,
} from "../../src/onnx/index.ts";
import { placeOf } from "../../src/onnx/stored-tensor.ts";
import { readModelIn } from "../../src/onnx/read-model.ts";
import type { ModelFolder } from "../../src/onnx/model-folder.ts";
import {
  TensorProto_DataType as Code,
  AttributeProto_AttributeType as Type,
} from "../../src/onnx/onnx_pb.ts";
import { encoded, relu } from "../onnx/protos.ts";
import { randomNumbers } from "../support/run.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-stored-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A convolution of 221 kB, a dense layer of 3 kB, and a bias of 256 bytes. */
function net(): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 96, 6, 6]);
  const weights = (name: string, dims: number[], seed: number): ReturnType<typeof b.constant> => {
    const count = dims.reduce((size, dim) => size * dim, 1);
    return b.constant(float32Tensor(randomNumbers(count, seed), dims), name);
  };
  const y = b.op("Relu", [b.op("Conv", [x, weights("w", [64, 96, 3, 3], 1), weights("b", [64], 2)])]);
  const mean = b.op("ReduceMean", [y], { axes: ints([2, 3]), keepdims: { type: "int", value: 0 } });
  b.output(b.op("MatMul", [mean, weights("v", [64, 12], 3)]), "y");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("net") };
}

const input = { data: randomNumbers(2 * 96 * 36, 4), dims: [2, 96, 6, 6] };

async function relevance(model: Model): Promise<Float32Array> {
  const explainer = new Explainer({ ort, model, composite: "gamma" });
  const { relevance } = await explainer.explain(input, { target: 3 });
  await explainer.dispose();
  return relevance.data;
}

/** A folder in memory that counts what is read of it. */
function inMemory(files: Readonly<Record<string, Uint8Array>>): ModelFolder & { bytesRead: number } {
  const content = (name: string): Uint8Array => {
    const bytes = files[name];
    if (!bytes) throw new Error(`there is no ${name}`);
    return bytes;
  };
  return {
    bytesRead: 0,
    pathOf: (name) => `/models/${name}`,
    sizeOf: (name) => content(name).length,
    read(name, offset, length) {
      this.bytesRead += length;
      const bytes = content(name).slice(offset, offset + length);
      if (bytes.length < length) throw new Error("it is too short");
      return bytes;
    },
  };
}

describe("readModelFile", () => {
  it("gives the model that readModel gives, and ONNX Runtime its weights from the file", async () => {
    const path = join(folder, "net.onnx");
    const bytes = concatChunks(writeModel(net()).chunks);
    await writeFile(path, bytes);
    const files = new Set<string>();
    const model = readModelFile(path, files);
    expect(model).toEqual(readModel(bytes));
    expect([...files]).toEqual([path]);
    const { w } = Object.fromEntries(model.graph.initializers);
    expect(w && placeOf(w)?.path).toBe(path);
    const view = externalView(model);
    expect(view.data).toEqual([]);
    expect(view.bytes.length).toBeLessThan(10_000);
    expect(await relevance(model)).toEqual(await relevance(readModel(bytes)));
  });

  it("leaves external data in its file, also behind links as hubs make them", async () => {
    const { chunks, external } = writeModel(net(), { external: { location: "net.data", threshold: 16 } });
    for (const name of ["blobs", "snapshot"]) await mkdir(join(folder, name));
    await writeFile(join(folder, "blobs", "0a1b"), concatChunks(chunks));
    await writeFile(join(folder, "blobs", "2c3d"), concatChunks(external?.chunks ?? []));
    await symlink("../blobs/0a1b", join(folder, "snapshot", "net.onnx"));
    await symlink("../blobs/2c3d", join(folder, "snapshot", "net.data"));
    const files = new Set<string>();
    const model = readModelFile(join(folder, "snapshot", "net.onnx"), files);
    expect([...files]).toEqual([join(folder, "blobs", "2c3d")]);
    expect(await relevance(model)).toEqual(await relevance(net()));
  });

  it("writes and changes what it left there like any other weights", async () => {
    const path = join(folder, "net.onnx");
    await writeFile(path, concatChunks(writeModel(net()).chunks));
    const model = readModelFile(path);
    const compiled = concatChunks(writeModel(compile(model, { composite: "epsilon" }).model).chunks);
    expect(compiled).toEqual(concatChunks(writeModel(compile(net(), { composite: "epsilon" }).model).chunks));
    const copy = { ...model.graph.initializers.get("w") } as NonNullable<
      ReturnType<typeof model.graph.initializers.get>
    >;
    expect(placeOf(copy)).toBeUndefined();
  });

  it("says which file is missing or too short", async () => {
    const path = join(folder, "net.onnx");
    expect(() => readModelFile(path)).toThrow(ModelFileError);
    expect(() => readModelFile(path)).toThrow(`cannot read "${path}": ENOENT`);
    const { chunks, external } = writeModel(net(), { external: { location: "net.data" } });
    await writeFile(path, concatChunks(chunks));
    expect(() => readModelFile(path)).toThrow(
      /net\.onnx" \(initializer "w"\): its data in the file "net\.data"/,
    );
    await writeFile(join(folder, "net.data"), concatChunks(external?.chunks ?? []));
    const model = readModelFile(path);
    await truncate(join(folder, "net.data"), 5000);
    expect(() => readModelFile(path)).toThrow("it has 5000 bytes, and the model needs");
    expect(() => model.graph.initializers.get("w")?.bytes).toThrow("it ends before byte");
    await expect(relevance(model)).rejects.toThrow();
  });
});

describe("readModelIn", () => {
  const bytes = concatChunks(writeModel(net()).chunks);

  it("reads no large weights", () => {
    const files = inMemory({ "net.onnx": bytes });
    const model = readModelIn(files, "net.onnx");
    externalView(compile(model, { composite: "gamma" }).model);
    expect(bytes.length).toBeGreaterThan(220_000);
    expect(files.bytesRead).toBeLessThan(150_000);
  });

  it("finds them in nodes, and keeps what it cannot read as it is", () => {
    const t = { dataType: Code.FLOAT, dims: [20_000n], rawData: new Uint8Array(80_000).fill(7) };
    const node = [
      relu("x", "y"),
      { opType: "Constant", output: ["c"], attribute: [{ name: "value", type: Type.TENSOR, t }] },
      {
        ...relu("c", "d"),
        domain: "other",
        attribute: [
          { name: "one", type: Type.TENSOR, t },
          { name: "several", type: Type.TENSORS, tensors: [t, t] },
        ],
      },
    ];
    const model = encoded({ node });
    const files = inMemory({ "net.onnx": model });
    const read = readModelIn(files, "net.onnx");
    expect(placeOf(read.graph.initializers.get("c") ?? float32Tensor([], [0]))).toBeDefined();
    expect(read).toEqual(readModel(model));
    expect(writeModel(read).byteLength).toBe(writeModel(readModel(model)).byteLength);
  });

  it("refuses every truncation, and what announces more than there is", () => {
    const name = "net.onnx";
    for (
      let length = 0;
      length < bytes.length;
      length += length < 500 || length > bytes.length - 5000 ? 1 : 997
    ) {
      const files = inMemory({ [name]: bytes.subarray(0, length) });
      expect(() => readModelIn(files, name)).toThrow(/^cannot read "net\.onnx"/);
    }
  });

  it("gives the same model or an error for every flipped bit outside of the weights", () => {
    const name = "net.onnx";
    for (let bit = 0; bit < 8 * bytes.length; bit = bit === 8 * 704 ? 8 * (bytes.length - 300) : bit + 4) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const whole = outcome(() => readModel(changed, { file: name }));
      const parted = outcome(() => readModelIn(inMemory({ [name]: changed }), name));
      if (typeof whole === "string") expect(parted).toMatch(/^cannot read "net\.onnx"/);
      else expect(whole.equals(parted as Buffer)).toBe(true);
    }
  });
});

/** The model as it is written, or why it can't be read. */
function outcome(read: () => Model): Buffer | string {
  try {
    return Buffer.concat(writeModel(read()).chunks);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFileError);
    return (error as ModelFileError).message;
  }
}
