/** Every evaluated operator against ONNX Runtime on the same constants. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { evaluate, evaluated } from "../../src/onnx/evaluate.ts";
import {
  type Model,
  type Node,
  type Tensor,
  concatChunks,
  float32Tensor,
  int64Tensor,
  numbersOf,
  writeModel,
} from "../../src/onnx/index.ts";
import { relativeDistance } from "../support/run.ts";
import { type EvaluateCase, cases } from "./evaluate-cases.ts";

const nodeOf = ({ op, inputs, attributes = {}, outputs = 1 }: EvaluateCase): Node => ({
  name: "node",
  opType: op,
  domain: "",
  inputs: inputs.map((input, i) => (input ? `in${i}` : "")),
  outputs: Array.from({ length: outputs }, (_, i) => `out${i}`),
  attributes,
});

/** What ONNX Runtime gives. The constants are fed as inputs, so that its own folding has nothing to do. */
async function referee(c: EvaluateCase, outputs: readonly Tensor[]): Promise<Tensor[]> {
  const node = nodeOf(c);
  const given = c.inputs.flatMap((tensor, i) => (tensor ? [[`in${i}`, tensor] as const] : []));
  const model: Model = {
    irVersion: 8,
    opsets: { "": c.opset ?? 17 },
    producer: "test",
    metadata: {},
    graph: {
      name: "one",
      inputs: given.map(([name, { dataType, dims }]) => ({ name, dataType, shape: dims })),
      outputs: outputs.map(({ dataType, dims }, i) => ({
        name: `out${i}`,
        dataType,
        shape: dims.map((_, axis) => `d${i}_${axis}`),
      })),
      initializers: new Map(),
      nodes: [node],
    },
  };
  const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    logSeverityLevel: 4,
    graphOptimizationLevel: "disabled",
  });
  const feeds = given.map(([name, { dataType, dims, bytes }]) => {
    const { buffer } = new Uint8Array(bytes);
    return [name, new ort.Tensor(dataType as "float32", viewOf(dataType, buffer), dims)] as const;
  });
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return node.outputs.slice(0, outputs.length).map((name) => {
    const { type, dims, data } = results[name] as ort.Tensor;
    const { buffer, byteOffset, byteLength } = data as Uint8Array;
    return {
      dataType: type as Tensor["dataType"],
      dims,
      bytes: new Uint8Array(buffer, byteOffset, byteLength),
    };
  });
}

function viewOf(dataType: Tensor["dataType"], buffer: ArrayBuffer): Float32Array {
  const views: Partial<Record<Tensor["dataType"], new (buffer: ArrayBuffer) => ArrayBufferView>> = {
    float32: Float32Array,
    float64: Float64Array,
    int64: BigInt64Array,
    int32: Int32Array,
    uint32: Uint32Array,
    uint8: Uint8Array,
    int8: Int8Array,
    bool: Uint8Array,
  };
  const View = views[dataType] ?? Uint8Array;
  return new View(buffer) as Float32Array;
}

const title = ({ op, inputs, attributes = {} }: EvaluateCase): string => {
  const shapes = inputs.map((tensor) => (tensor ? `${tensor.dataType}[${tensor.dims.join(", ")}]` : "-"));
  const options = Object.entries(attributes).map(([name, attribute]) =>
    attribute.type === "tensor" ? name : `${name}=${String(attribute.value)}`,
  );
  return [op, ...shapes, ...options].join(" ");
};

describe("evaluate", () => {
  it.each(cases.map((c) => [title(c), c] as const))("computes %s as ONNX Runtime does", async (_title, c) => {
    const found = evaluate(nodeOf(c), c.inputs) ?? [];
    expect(found).toHaveLength(c.compared ?? c.outputs ?? 1);
    for (const [i, expected] of (await referee(c, found)).entries()) {
      expect(found[i]?.dims).toEqual([...expected.dims]);
      expect(found[i]?.dataType).toBe(expected.dataType);
      if (!c.tolerance) expect(found[i]?.bytes).toEqual(expected.bytes);
      else {
        const distance = relativeDistance(numbersOf(found[i] as Tensor), numbersOf(expected));
        expect(distance).toBeLessThanOrEqual(c.tolerance);
      }
    }
  });

  it("has a case for every operator", () => {
    const tried = new Set(cases.map(({ op }) => op));
    expect(evaluated.filter((op) => !tried.has(op))).toEqual([]);
  });

  it("leaves to the runtime what has no answer here", () => {
    const of = (op: string, ...inputs: readonly (Tensor | undefined)[]): unknown =>
      evaluate(nodeOf({ op, inputs }), inputs);
    const half: Tensor = { dataType: "float16", dims: [1], bytes: new Uint8Array(2) };
    expect(of("Div", int64Tensor([1]), int64Tensor([0]))).toBeUndefined();
    expect(of("Gather", int64Tensor([1, 2]), int64Tensor([2]))).toBeUndefined();
    expect(of("Neg", half)).toBeUndefined();
    expect(of("Conv", float32Tensor([1], [1, 1, 1]), float32Tensor([1], [1, 1, 1]))).toBeUndefined();
    expect(of("Custom", half)).toBeUndefined();
    expect(
      evaluate({ ...nodeOf({ op: "Neg", inputs: [half] }), domain: "my" }, [int64Tensor([1])]),
    ).toBeUndefined();
  });
});
