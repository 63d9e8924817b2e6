import { describe, expect, it } from "vitest";
import {
  type Graph,
  GraphBuilder,
  float32Tensor,
  int,
  ints,
  printGraph,
  string,
} from "../../src/onnx/index.ts";

function graph(): [Graph, GraphBuilder] {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 3, 8, 8]);
  const weight = b.constant(float32Tensor(new Float32Array(108), [4, 3, 3, 3]), "w");
  const z = b.op(
    "Conv",
    [x, weight, undefined],
    { strides: ints([2, 2]), auto_pad: string("VALID") },
    "conv",
  );
  const [top, where] = b.ops("MaxPool", [z], { kernel_shape: ints([2, 2]), ceil_mode: int(1) }, 2, "pool");
  if (!top || !where) throw new Error("no outputs");
  b.output(b.op("Clip", [top, undefined, b.scalar(1)], {}, "clip"), "y");
  return [b.graph("g"), b];
}

describe("printGraph", () => {
  it("lists inputs, outputs, constants and nodes, with attributes in alphabetical order", () => {
    expect(printGraph(graph()[0])).toMatchInlineSnapshot(`
      "input x: float32[N, 3, 8, 8]
      output y: float32[N, 4, 2, 2]
      constant w: float32[4, 3, 3, 3]
      constant value_1: float32[]
      conv = Conv<auto_pad="VALID", strides=[2, 2]>(x, w, _)
      pool_0, pool_1 = MaxPool<ceil_mode=1, kernel_shape=[2, 2]>(conv)
      clip = Clip(pool_0, _, value_1)
      y = Identity(clip)"
    `);
  });

  it("adds the shapes that it is given", () => {
    const [g, b] = graph();
    expect(printGraph(g, b.values).split("\n").slice(-4)).toMatchInlineSnapshot(`
      [
        "conv[N, 4, 3, 3] = Conv<auto_pad="VALID", strides=[2, 2]>(x, w, _)",
        "pool_0[N, 4, 2, 2], pool_1[N, 4, 2, 2] = MaxPool<ceil_mode=1, kernel_shape=[2, 2]>(conv)",
        "clip[N, 4, 2, 2] = Clip(pool_0, _, value_1)",
        "y[N, 4, 2, 2] = Identity(clip)",
      ]
    `);
  });

  it("gives the same text for the same graph", () => {
    expect(printGraph(graph()[0])).toBe(printGraph(graph()[0]));
  });

  it("shows bodies, other domains, absent outputs and attributes that are no numbers", () => {
    const node = {
      name: "n",
      opType: "Linear",
      domain: "relprop",
      inputs: ["x", ""],
      outputs: ["", "y"],
      attributes: {
        z: { type: "opaque", value: new Uint8Array(5) },
        t: { type: "tensor", value: float32Tensor([1], [1, 1]) },
        s: { type: "strings", value: ["a", "b"] },
      },
    } as const;
    const outer = { ...node, body: [{ ...node, domain: "", attributes: {} }] };
    const nodes = { name: "g", inputs: [], outputs: [], initializers: new Map(), nodes: [outer] };
    expect(printGraph(nodes)).toMatchInlineSnapshot(`
      "_, y = relprop.Linear<s=["a", "b"], t=float32[1, 1], z=5 bytes>(x, _)
        | _, y = Linear(x, _)"
    `);
  });
});
