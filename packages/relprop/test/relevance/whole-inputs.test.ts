/** Inputs of bytes, counts, and yes and no: their relevance is that of the floating-point numbers that a Cast makes of them. */

import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { compile, type CompileOptions } from "../../src/index.ts";
import { dataTypeCodes } from "../../src/onnx/data-types.ts";
import {
  concatChunks,
  int,
  writeModel,
  type DataType,
  type Model,
  type Value,
} from "../../src/onnx/index.ts";
import { NetBuilder } from "../support/output-models.ts";

const cast = (b: NetBuilder, x: Value, to: DataType): Value =>
  b.op("Cast", [x], { to: int(dataTypeCodes[to]) });

/** A picture of 3 channels or a row of 6 features -> four classes. */
function classes(b: NetBuilder, x: Value): Model {
  const isPicture = x.shape.length === 4;
  const hidden = isPicture ? b.op("GlobalAveragePool", [b.relu(b.conv(x, 3, 6))]) : b.relu(b.dense(x, 6, 10));
  b.output(b.dense(isPicture ? b.op("Flatten", [hidden]) : hidden, isPicture ? 6 : 10, 4), "y");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

/** Numbers of a type. */
function tensor(type: DataType, dims: readonly number[], most: number): ort.Tensor {
  const size = dims.reduce((a, n) => a * n, 1);
  const list = Array.from({ length: size }, (_, i) => (i * 37 + 11) % (most + 1));
  const data =
    type === "int64" ? BigInt64Array.from(list, BigInt) : type === "float32" ? Float32Array.from(list) : list;
  return new ort.Tensor(type as "float32", data as Float32Array, dims);
}

/** Relevance by input. */
async function relevance(
  model: Model,
  feeds: Record<string, ort.Tensor>,
  options: CompileOptions,
): Promise<Record<string, number[]>> {
  const compiled = compile(model, { target: 1, ...options });
  const bytes = concatChunks(writeModel(compiled.model).chunks);
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const results = await session.run(feeds);
  await session.release();
  const found = compiled.inputs.map(({ input, relevance: name }) => [
    input.name,
    Array.from(results[name]?.data as Float32Array),
  ]);
  return Object.fromEntries(found) as Record<string, number[]>;
}

interface Way {
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly most: number;
  /** What moves the numbers before they are cast. */
  readonly move?: (b: NetBuilder, x: Value) => Value;
  readonly casts: readonly DataType[];
}

const ways: Readonly<Record<string, Way>> = {
  "bytes of a picture": { type: "uint8", dims: [3, 8, 8], most: 255, casts: ["float32"] },
  "bytes with their channels last": {
    type: "uint8",
    dims: [8, 8, 3],
    most: 255,
    move: (b, x) => b.transpose(x, [0, 3, 1, 2]),
    casts: ["float32"],
  },
  "bytes by way of int32 and half precision": {
    type: "uint8",
    dims: [3, 8, 8],
    most: 255,
    casts: ["int32", "float16", "float32"],
  },
  "a part of a picture": {
    type: "uint8",
    dims: [4, 8, 8],
    most: 255,
    move: (b, x) => b.slice(x, 1, 0, 3),
    casts: ["float32"],
  },
  "counts in a table": { type: "int64", dims: [6], most: 9, casts: ["float32"] },
  "counts in double precision": { type: "int32", dims: [6], most: 9, casts: ["float64", "float32"] },
  "signed bytes, reshaped": {
    type: "int8",
    dims: [2, 3],
    most: 90,
    move: (b, x) => b.reshape(x, [0, 6]),
    casts: ["float32"],
  },
  "yes and no": { type: "bool", dims: [6], most: 1, casts: ["float32"] },
};

const options: readonly CompileOptions[] = [
  { composite: "epsilon" },
  { composite: "epsilon-plus" },
  { composite: "epsilon-alpha2-beta1" },
  { composite: "gradient" },
  { composite: "epsilon", ledger: true },
  { composite: "epsilon", reduce: "channels" },
];

const columnNames = ["age", "size", "count", "flag", "e", "f"];

/** An input for each column, every other one of whole numbers. */
function columnsNet(type: DataType): Model {
  const b = new NetBuilder();
  const columns = columnNames.map((name, i) => {
    const own = i % 2 === 0 ? type : "float32";
    const x = b.input(name, own, ["N", 1]);
    return own === "float32" ? x : cast(b, x, "float32");
  });
  return classes(b, b.concat(columns, 1));
}

const columnsOf = (type: DataType): Record<string, ort.Tensor> =>
  Object.fromEntries(
    columnNames.map((name, i) => [name, tensor(i % 2 === 0 ? type : "float32", [3, 1], 5 + i)]),
  );

describe("whole numbers that a Cast turns into floating-point ones", () => {
  test.each(Object.entries(ways))("%s have the relevance of the same numbers as floats", async (_, way) => {
    const { type, dims, most, move = (_b, x) => x, casts } = way;
    const build = (isWhole: boolean): Model => {
      const b = new NetBuilder();
      const moved = move(b, b.input("x", isWhole ? type : "float32", ["N", ...dims]));
      return classes(b, isWhole ? casts.reduce((x, to) => cast(b, x, to), moved) : moved);
    };
    for (const each of options) {
      const [whole, floats] = await Promise.all(
        [type, "float32" as const].map((own, i) =>
          relevance(build(i === 0), { x: tensor(own, [2, ...dims], most) }, each),
        ),
      );
      expect(whole).toEqual(floats);
      expect(whole?.["x"]?.some((number) => number !== 0)).toBe(true);
    }
  });

  test("stand beside floating-point columns: all columns are explained, as if all were floats", async () => {
    const whole = await relevance(columnsNet("int64"), columnsOf("int64"), { composite: "epsilon" });
    const floats = await relevance(columnsNet("float32"), columnsOf("float32"), { composite: "epsilon" });
    expect(Object.keys(floats)).toHaveLength(6);
    expect(whole).toEqual(floats);
  });

  test("are not explained unasked where they mask something, or say how many", () => {
    const b = new NetBuilder();
    const x = b.input("x", "float32", ["N", 6]);
    const mask = b.input("mask", "int64", ["N", 6]);
    const step = b.input("step", "int64", ["N"]);
    const masked = b.op("Mul", [x, cast(b, mask, "float32")]);
    const at = b.dense(b.op("Unsqueeze", [cast(b, step, "float32"), b.integers([1])]), 1, 6);
    const compiled = compile(classes(b, b.op("Add", [masked, at])), { composite: "epsilon" });
    expect(compiled.inputs.map(({ input }) => input.name)).toEqual(["x"]);
  });

  test("are refused where anything but moves is done with them before", () => {
    const b = new NetBuilder();
    const x = b.input("x", "int64", ["N", 6]);
    const model = classes(b, cast(b, b.op("Mul", [x, x]), "float32"));
    expect(() => compile(model, { composite: "epsilon" })).toThrow("it holds whole numbers");
  });

  test("are refused where floating-point numbers were cut off to them", () => {
    const b = new NetBuilder();
    const x = b.input("x", "float32", ["N", 6]);
    const model = classes(b, cast(b, cast(b, x, "int32"), "float32"));
    expect(() => compile(model, { composite: "epsilon" })).toThrow("it turns float32 into int32");
  });
});
