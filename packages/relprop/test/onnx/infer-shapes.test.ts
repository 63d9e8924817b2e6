/** Inferred types and shapes against those of ONNX Runtime, then what holds for symbolic sizes. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { ModelFileError } from "../../src/errors.ts";
import {
  type Attributes,
  type DataType,
  type Dim,
  GraphBuilder,
  type Node,
  type Shape,
  type Tensor,
  type Value,
  concatChunks,
  float,
  float32Tensor,
  int,
  int64Tensor,
  ints,
  string,
  writeModel,
} from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { canInfer, inferGraph, inferNode } from "../../src/onnx/infer-shapes.ts";

/** "N" is a batch of 3 at run time. */
const batch = 3;
const fixed = (shape: Shape): number[] => shape.map((dim) => (typeof dim === "number" ? dim : batch));

interface Case {
  readonly op: string;
  /** A shape is a float32 input of the graph, a tensor a constant, undefined an absent input. */
  readonly inputs: readonly (Shape | Tensor | undefined)[];
  readonly attributes?: Attributes;
  readonly outputs?: number;
  /** The shape that must come out with a symbolic batch. */
  readonly symbolic?: Shape;
}

const isShape = (input: Shape | Tensor): input is Shape => Array.isArray(input);
const i64 = (...values: number[]): Tensor => int64Tensor(values);
const scalar = (value: number): Tensor => int64Tensor([value], []);
const weights = (...dims: number[]): Tensor => float32Tensor(new Float32Array(sizeOf(dims)).fill(0.5), dims);

function build(
  { op, inputs, attributes = {}, outputs = 1 }: Case,
  sizes: (shape: Shape) => Shape,
): [GraphBuilder, readonly Value[]] {
  const b = new GraphBuilder();
  const values = inputs.map((input, i) => {
    if (!input) return undefined;
    return isShape(input) ? b.input(`x${i}`, "float32", sizes(input)) : b.constant(input, `c${i}`);
  });
  const results = b.allLike({ opType: op, attributes }, values, outputs);
  for (const result of results) b.output(result);
  return [b, results];
}

const image: Shape = ["N", 4, 9, 7];
const axis = (value: number): Attributes => ({ axis: int(value) });

const conv = (attributes: Attributes, weight: Tensor = weights(6, 4, 3, 3), x: Shape = image): Case => ({
  op: "Conv",
  inputs: [x, weight],
  attributes,
});
const transposedConv = (attributes: Attributes, weight: Tensor = weights(4, 2, 3, 3)): Case => ({
  op: "ConvTranspose",
  inputs: [image, weight],
  attributes,
});
const pool = (op: string, attributes: Attributes, x: Shape = image): Case => ({
  op,
  inputs: [x],
  attributes: { kernel_shape: ints([3, 3]), ...attributes },
});
const reshape = (x: Shape, target: readonly number[], symbolic?: Shape): Case => ({
  op: "Reshape",
  inputs: [x, i64(...target)],
  ...(symbolic && { symbolic }),
});

const cases: readonly Case[] = [
  { ...conv({}), symbolic: ["N", 6, 7, 5] },
  conv({ pads: ints([1, 2, 3, 0]), strides: ints([2, 3]), dilations: ints([2, 1]) }),
  conv({ group: int(2) }, weights(6, 2, 3, 3)),
  conv({ auto_pad: string("SAME_UPPER"), strides: ints([2, 2]) }),
  conv({ auto_pad: string("SAME_LOWER"), strides: ints([3, 2]) }),
  conv({ auto_pad: string("VALID"), strides: ints([2, 2]) }),
  conv({ strides: ints([2]) }, weights(6, 4, 3), ["N", 4, 9]),
  conv({ pads: ints([1, 1, 1, 1, 1, 1]) }, weights(6, 4, 3, 3, 3), ["N", 4, 5, 6, 7]),
  { ...transposedConv({}), symbolic: ["N", 2, 11, 9] },
  transposedConv({ strides: ints([2, 3]), pads: ints([1, 0, 1, 2]), output_padding: ints([1, 0]) }),
  transposedConv({ group: int(2), dilations: ints([2, 2]) }),
  transposedConv({ strides: ints([2, 2]), output_shape: ints([18, 14]) }),
  transposedConv({ strides: ints([2, 2]), auto_pad: string("SAME_UPPER") }),
  transposedConv({ strides: ints([2, 2]), auto_pad: string("VALID") }),
  { op: "Gemm", inputs: [["N", 5], weights(5, 7), weights(7)], symbolic: ["N", 7] },
  {
    op: "Gemm",
    inputs: [[5, "N"], weights(7, 5)],
    attributes: { transA: int(1), transB: int(1) },
    symbolic: ["N", 7],
  },
  {
    op: "MatMul",
    inputs: [
      ["N", 2, 4, 5],
      [2, 5, 6],
    ],
    symbolic: ["N", 2, 4, 6],
  },
  { op: "MatMul", inputs: [[5], [5, 6]] },
  { op: "MatMul", inputs: [["N", 4, 5], [5]], symbolic: ["N", 4] },
  {
    op: "Einsum",
    inputs: [
      ["N", 4, 5],
      ["N", 5, 6],
    ],
    attributes: { equation: string("bij,bjk->bik") },
    symbolic: ["N", 4, 6],
  },
  {
    op: "Einsum",
    inputs: [
      ["N", 4, 5],
      [5, 6],
    ],
    attributes: { equation: string("...j,jk->...k") },
    symbolic: ["N", 4, 6],
  },
  { op: "Einsum", inputs: [[4, 5]], attributes: { equation: string("ba") } },
  ...["MaxPool", "AveragePool", "LpPool"].flatMap((op) => [
    pool(op, {}),
    pool(op, { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) }),
    pool(op, { strides: ints([3, 2]), auto_pad: string("SAME_LOWER") }),
  ]),
  ...["MaxPool", "AveragePool"].flatMap((op) => [
    pool(op, { strides: ints([2, 2]), ceil_mode: int(1) }, ["N", 4, 10, 8]),
    pool(op, { strides: ints([3, 3]), pads: ints([1, 1, 1, 1]), ceil_mode: int(1) }, ["N", 4, 10, 11]),
  ]),
  {
    op: "MaxPool",
    inputs: [[1, 1, 5, 5]],
    attributes: { kernel_shape: ints([1, 1]), strides: ints([3, 3]), ceil_mode: int(1) },
  },
  pool("MaxPool", { dilations: ints([2, 2]), strides: ints([2, 1]), ceil_mode: int(1) }),
  { ...pool("MaxPool", { strides: ints([2, 2]) }), outputs: 2 },
  ...["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"].map((op) => ({
    op,
    inputs: [image],
    symbolic: ["N", 4, 1, 1],
  })),
  ...[
    "Relu",
    "Sigmoid",
    "Erf",
    "Neg",
    "Sqrt",
    "Floor",
    "Softmax",
    "LogSoftmax",
    "HardSwish",
    "Identity",
    "Softplus",
  ].map((op) => ({ op, inputs: [image], symbolic: image })),
  ...["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min"].flatMap((op) => [
    { op, inputs: [image, weights(4, 1, 1)], symbolic: image },
    {
      op,
      inputs: [
        ["N", 1, 5],
        [4, 1],
      ],
      symbolic: ["N", 4, 5],
    },
  ]),
  { op: "Sum", inputs: [["N", 1], [1, 4], [4]], symbolic: ["N", 4] },
  { op: "Mod", inputs: [["N", 2], weights(1)], attributes: { fmod: int(1) } },
  ...["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"].map((op) => ({
    op,
    inputs: [["N", 2], [2]],
  })),
  { op: "Clip", inputs: [image, weights(), undefined], symbolic: image },
  { op: "PRelu", inputs: [image, weights(4, 1, 1)], symbolic: image },
  { op: "Dropout", inputs: [image], outputs: 2, symbolic: image },
  {
    op: "BatchNormalization",
    inputs: [image, weights(4), weights(4), weights(4), weights(4)],
    symbolic: image,
  },
  { op: "InstanceNormalization", inputs: [image, weights(4), weights(4)], symbolic: image },
  { op: "LayerNormalization", inputs: [["N", 5, 6], weights(6), weights(6)], symbolic: ["N", 5, 6] },
  {
    op: "LayerNormalization",
    inputs: [["N", 5, 6], weights(5, 6)],
    attributes: axis(1),
    outputs: 3,
    symbolic: ["N", 5, 6],
  },
  { op: "LRN", inputs: [image], attributes: { size: int(3) }, symbolic: image },
  { op: "Cast", inputs: [image], attributes: { to: int(7) }, symbolic: image },
  { op: "Cast", inputs: [image], attributes: { to: int(9) }, symbolic: image },
  ...["ReduceMean", "ReduceMax", "ReduceL2", "ReduceProd", "ReduceLogSumExp"].flatMap((op) => [
    { op, inputs: [image], attributes: { axes: ints([-1, 2]), keepdims: int(0) }, symbolic: ["N", 4] },
    { op, inputs: [image], symbolic: [1, 1, 1, 1] },
  ]),
  { op: "ReduceSum", inputs: [image, i64(1)], symbolic: ["N", 1, 9, 7] },
  { op: "ReduceSum", inputs: [image], attributes: { noop_with_empty_axes: int(1) }, symbolic: image },
  { op: "ArgMax", inputs: [["N", 5]], attributes: { axis: int(1), keepdims: int(0) }, symbolic: ["N"] },
  { op: "ArgMin", inputs: [["N", 5]], attributes: axis(-1), symbolic: ["N", 1] },
  { op: "TopK", inputs: [["N", 5], i64(2)], outputs: 2, symbolic: ["N", 2] },
  { op: "CumSum", inputs: [["N", 5], scalar(1)], symbolic: ["N", 5] },
  { op: "Flatten", inputs: [image], symbolic: ["N", 252] },
  { op: "Flatten", inputs: [image], attributes: axis(0) },
  { op: "Flatten", inputs: [image], attributes: axis(-1) },
  reshape(["N", 512, 7, 7], [-1, 25088], ["N", 25088]),
  reshape(["N", 4, 9, 7], [0, -1], ["N", 252]),
  reshape(["N", 4, 9, 7], [0, 0, 63], ["N", 4, 63]),
  reshape(["N", 4, 9, 7], [-1, 63]),
  { op: "Reshape", inputs: [[0, 4], i64(4, 0)], attributes: { allowzero: int(1) } },
  { op: "Transpose", inputs: [image], attributes: { perm: ints([0, 2, 3, 1]) }, symbolic: ["N", 9, 7, 4] },
  { op: "Transpose", inputs: [image], symbolic: [7, 9, 4, "N"] },
  { op: "Squeeze", inputs: [["N", 4, 1, 1], i64(2, -1)], symbolic: ["N", 4] },
  { op: "Squeeze", inputs: [[1, 4, 1]] },
  { op: "Unsqueeze", inputs: [["N", 4], i64(0, -1)], symbolic: [1, "N", 4, 1] },
  {
    op: "Concat",
    inputs: [
      ["N", 2, 5],
      ["N", 3, 5],
    ],
    attributes: axis(1),
    symbolic: ["N", 5, 5],
  },
  {
    op: "Concat",
    inputs: [
      ["N", 2],
      ["N", 2],
    ],
    attributes: axis(0),
  },
  { op: "Split", inputs: [["N", 6]], attributes: axis(1), outputs: 3, symbolic: ["N", 2] },
  { op: "Split", inputs: [["N", 7], i64(3, 4)], attributes: axis(-1), outputs: 2, symbolic: ["N", 3] },
  { op: "Slice", inputs: [image, i64(1, -3), i64(3, 1e15), i64(1, 2)], symbolic: ["N", 2, 3, 7] },
  { op: "Slice", inputs: [image, i64(-1), i64(-100), i64(2), i64(-2)], symbolic: ["N", 4, 5, 7] },
  { op: "Slice", inputs: [image, i64(0), i64(2 ** 31 - 1), i64(0)], symbolic: image },
  { op: "Slice", inputs: [image, i64(1), i64(3), i64(-1), i64(5)], symbolic: ["N", 4, 9, 1] },
  { op: "Pad", inputs: [image, i64(0, 0, 1, 2, 0, 0, -1, 3)], symbolic: ["N", 4, 9, 12] },
  { op: "Expand", inputs: [["N", 1, 5], i64(1, 4, 1)], symbolic: ["N", 4, 5] },
  { op: "Expand", inputs: [[4, 1], i64(2, 1, 5)] },
  { op: "Tile", inputs: [["N", 4], i64(1, 3)], symbolic: ["N", 12] },
  { op: "ConstantOfShape", inputs: [i64(2, 3)] },
  { op: "Range", inputs: [scalar(2), scalar(11), scalar(3)] },
  { op: "OneHot", inputs: [i64(0, 2), scalar(4), weights(2)], attributes: axis(0) },
  { op: "Shape", inputs: [image], symbolic: [4] },
  { op: "Shape", inputs: [image], attributes: { start: int(1), end: int(-1) }, symbolic: [2] },
  { op: "Size", inputs: [image], symbolic: [] },
  { op: "Gather", inputs: [image, i64(1, 0)], attributes: axis(-1), symbolic: ["N", 4, 9, 2] },
  { op: "Gather", inputs: [["N", 5, 6], scalar(0)], attributes: axis(1), symbolic: ["N", 6] },
  { op: "GatherElements", inputs: [[2, 5], int64Tensor([0, 1, 2], [1, 3])], attributes: axis(1) },
  { op: "GatherND", inputs: [[2, 5, 6], int64Tensor([0, 1, 1, 2], [2, 2])] },
  { op: "ScatterElements", inputs: [[2, 5], int64Tensor([0, 1], [1, 2]), [1, 2]], attributes: axis(1) },
  { op: "ScatterND", inputs: [[4, 5], int64Tensor([0, 2], [2, 1]), [2, 5]] },
  {
    op: "Where",
    inputs: [{ dataType: "bool", dims: [4, 1], bytes: Uint8Array.of(1, 0, 1, 0) }, ["N", 1, 5], [1, 5]],
    symbolic: ["N", 4, 5],
  },
  { op: "NonZero", inputs: [[2, 3]] },
  {
    op: "Compress",
    inputs: [["N", 4], { dataType: "bool", dims: [3], bytes: Uint8Array.of(1, 0, 1) }],
    attributes: axis(1),
    symbolic: ["N", 2],
  },
  { op: "Compress", inputs: [[3, 2], { dataType: "bool", dims: [4], bytes: Uint8Array.of(1, 0, 1, 1) }] },
  {
    op: "ReverseSequence",
    inputs: [[4, 3, 2], i64(4, 1, 2)],
    attributes: { time_axis: int(0), batch_axis: int(1) },
  },
  {
    op: "MaxUnpool",
    inputs: [
      ["N", 1, 2, 2],
      int64Tensor(
        Array.from({ length: 12 }, (_, i) => i),
        [3, 1, 2, 2],
      ),
    ],
    attributes: { kernel_shape: ints([3, 2]), strides: ints([2, 2]), pads: ints([1, 0, 0, 0]) },
    symbolic: ["N", 1, 4, 4],
  },
  {
    op: "RoiAlign",
    inputs: [[1, 4, 6, 6], [2, 4], i64(0, 0)],
    attributes: { output_height: int(3), output_width: int(2) },
  },
  {
    op: "MaxRoiPool",
    inputs: [
      [1, 4, 6, 6],
      [2, 5],
    ],
    attributes: { pooled_shape: ints([2, 3]) },
  },
  { op: "Trilu", inputs: [["N", 5, 5]], symbolic: ["N", 5, 5] },
  {
    op: "Resize",
    inputs: [image, undefined, float32Tensor([1, 1, 2, 1.6], [4])],
    symbolic: ["N", 4, 18, 11],
  },
  { op: "Resize", inputs: [image, undefined, undefined, i64(3, 4, 20, 5)] },
  {
    op: "DepthToSpace",
    inputs: [["N", 8, 3, 5]],
    attributes: { blocksize: int(2) },
    symbolic: ["N", 2, 6, 10],
  },
  {
    op: "SpaceToDepth",
    inputs: [["N", 2, 6, 10]],
    attributes: { blocksize: int(2) },
    symbolic: ["N", 8, 3, 5],
  },
  { op: "LeakyRelu", inputs: [image], attributes: { alpha: float(0.1) }, symbolic: image },
];

const title = ({ op, inputs, attributes = {} }: Case): string => {
  const shapes = inputs.map((input) =>
    input ? (isShape(input) ? `[${input.join(", ")}]` : `constant [${input.dims.join(", ")}]`) : "absent",
  );
  const options = Object.entries(attributes).map(([name, { value }]) => `${name}=${String(value)}`);
  return `${op} of ${shapes.join(" and ")} ${options.join(" ")}`;
};

async function run(b: GraphBuilder): Promise<ort.InferenceSession.ReturnType> {
  const graph = b.graph("case");
  const model = { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph };
  const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    logSeverityLevel: 4,
  });
  const feeds = graph.inputs.map(({ name, shape }) => {
    const dims = fixed(shape);
    return [name, new ort.Tensor("float32", new Float32Array(sizeOf(dims)).fill(0.5), dims)] as const;
  });
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return results;
}

describe("inferred shapes", () => {
  it.each(cases.map((c) => [title(c), c] as const))("are ONNX Runtime's for %s", async (_title, c) => {
    const [b, values] = build(c, fixed);
    const [, symbolic] = build(c, (shape) => shape);
    const results = await run(b);
    for (const [i, { name, dataType, shape }] of values.entries()) {
      const real = results[name];
      expect(real?.type).toBe(dataType);
      const inferred = shape.map((dim, a) =>
        c.op === "NonZero" && typeof dim === "string" ? real?.dims[a] : dim,
      );
      expect(inferred).toEqual(real?.dims);
      const claimed = symbolic[i]?.shape.map((dim, a) =>
        dim === "N" ? batch : typeof dim === "number" ? dim : real?.dims[a],
      );
      expect(claimed).toEqual(real?.dims);
    }
    if (c.symbolic) expect(symbolic[0]?.shape).toEqual(c.symbolic);
  });

  it("are known for opset 17's common operators and not for those of other domains", () => {
    expect(canInfer("Conv")).toBe(true);
    expect(canInfer("Linear", "relprop")).toBe(true);
    expect(canInfer("Attention", "com.microsoft")).toBe(false);
  });
});

const shapeAfter = (make: (b: GraphBuilder, x: Value) => Value, shape: Shape): Shape => {
  const b = new GraphBuilder();
  return make(b, b.input("x", "float32", shape)).shape;
};

describe("sizes that are symbols", () => {
  const picture: Shape = ["batch", 3, "height", "width"];

  it("stay themselves where padding makes up for the kernel", () => {
    const attributes = { pads: ints([1, 1, 1, 1]) };
    const shape = shapeAfter(
      (b, x) => b.op("Conv", [x, b.constant(weights(8, 3, 3, 3), "w")], attributes),
      picture,
    );
    expect(shape).toEqual(["batch", 8, "height", "width"]);
  });

  it("are equal on two ways that stride alike", () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", picture);
    const wide = b.constant(weights(8, 3, 3, 3), "wide");
    const narrow = b.constant(weights(8, 3, 1, 1), "narrow");
    const body = b.op("Conv", [x, wide], { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) });
    const shortcut = b.op("Conv", [x, narrow], { strides: ints([2, 2]) });
    expect(body.shape).toEqual(shortcut.shape);
    expect(b.op("Add", [body, shortcut]).shape).toEqual([
      "batch",
      8,
      "floor((height+1)/2)",
      "floor((width+1)/2)",
    ]);
  });

  it("multiply and divide as names of formulas", () => {
    const shape = shapeAfter((b, x) => b.op("Reshape", [x, b.integers([0, 0, -1])]), picture);
    expect(shape).toEqual(["batch", 3, "height*width"]);
    const back = shapeAfter(
      (b, x) => b.op("Reshape", [b.op("Flatten", [x]), b.integers([-1, 3])]),
      ["batch", 3, 1, 1],
    );
    expect(back).toEqual(["batch", 3]);
  });

  it("come through the shape arithmetic with which exporters flatten", () => {
    const shape = shapeAfter(
      (b, x) => {
        const first = b.op("Gather", [b.op("Shape", [x]), b.integer(0)]);
        const target = b.op("Concat", [b.op("Unsqueeze", [first, b.integers([0])]), b.integers([-1])], {
          axis: int(0),
        });
        return b.op("Reshape", [x, target]);
      },
      ["batch", 64, 7, 7],
    );
    expect(shape).toEqual(["batch", 3136]);
  });

  it("come through Slice, Cast, Div and Mul of shapes", () => {
    const shape = shapeAfter((b, x) => {
      const size = b.op("Slice", [b.op("Shape", [x]), b.integers([2]), b.integers([4])]);
      const half = b.op("Cast", [b.op("Div", [b.op("Mul", [size, b.integers([2])]), b.integers([2])])], {
        to: int(7),
      });
      const leading = b.op("Slice", [b.op("Shape", [x]), b.integers([0]), b.integers([2])]);
      return b.op("Resize", [x, undefined, undefined, b.op("Concat", [leading, half], { axis: int(0) })]);
    }, picture);
    expect(shape).toEqual(picture);
  });

  it("come through the Expand of a class token", () => {
    const shape = shapeAfter((b, x) => {
      const first = b.op("Unsqueeze", [b.op("Gather", [b.op("Shape", [x]), b.integer(0)]), b.integers([0])]);
      const wanted = b.op("Concat", [first, b.integers([-1, -1])], { axis: int(0) });
      const ones = b.op("ConstantOfShape", [b.integers([3])], {
        value: { type: "tensor", value: int64Tensor([1]) },
      });
      const keep = b.op("Equal", [wanted, b.op("Mul", [ones, b.integer(-1)])]);
      return b.op("Expand", [b.constant(weights(1, 1, 8), "token"), b.op("Where", [keep, ones, wanted])]);
    }, picture);
    expect(shape).toEqual(["batch", 1, 8]);
  });

  it("get a name from their node where only a run can know them", () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", ["batch", 5]);
    expect(b.op("Reshape", [x, b.integers([-1, 3])], {}, "odd").shape).toEqual(["odd_dim0", 3]);
  });
});

const errorOf = (opType: string, shapes: readonly Shape[]): unknown => {
  const infos = shapes.map((shape) => ({ dataType: "float32" as DataType, shape }));
  const inputs = shapes.map((_, i) => `x${i}`);
  try {
    return inferNode({ name: "the node", opType, domain: "", inputs, outputs: ["y"], attributes: {} }, infos);
  } catch (error) {
    return error;
  }
};

describe("contradictions", () => {
  it.each<readonly [string, readonly Shape[], readonly string[]]>([
    [
      "Conv",
      [
        [1, 3, 8, 8],
        [4, 2, 3, 3],
      ],
      ["[1, 3, 8, 8]", "[4, 2, 3, 3]"],
    ],
    [
      "Gemm",
      [
        [1, 3],
        [4, 2],
      ],
      ["[1, 3]", "[4, 2]"],
    ],
    [
      "MatMul",
      [
        [2, 3],
        [4, 2],
      ],
      ["[2, 3]", "[4, 2]"],
    ],
    ["Add", [[2, 3], [4]], ["[2, 3]", "[4]"]],
    [
      "Concat",
      [
        [2, 3],
        [3, 3, 1],
      ],
      ["[2, 3]", "[3, 3, 1]"],
    ],
  ])("in %s name the node and both shapes", (op, shapes, parts) => {
    const error = errorOf(op, shapes);
    expect(error).toBeInstanceOf(ModelFileError);
    for (const part of [...parts, "the node"]) expect(String(error)).toContain(part);
  });

  it("of a reshape and its input are errors", () => {
    const b = new GraphBuilder();
    expect(() => b.op("Reshape", [b.input("x", "float32", [2, 3]), b.integers([4, -1])])).toThrow(
      /\[2, 3\] cannot become \[4, -1\]/,
    );
  });

  it("are not what an unknown operator is: it has an error that says so", () => {
    expect(String(errorOf("Frobnicate", [[1]]))).toContain("the operator is not known");
  });
});

const node = (opType: string, input: string, output: string): Node => ({
  name: output,
  opType,
  domain: "",
  inputs: [input],
  outputs: [output],
  attributes: {},
});

describe("inferGraph", () => {
  const dims: Dim[] = ["batch", 3];
  const graph = {
    name: "g",
    inputs: [{ name: "x", dataType: "float32" as DataType, shape: dims }],
    outputs: [{ name: "odd", dataType: "float32" as DataType, shape: [7] }],
    initializers: new Map(),
    nodes: [
      node("Relu", "x", "y"),
      node("Frobnicate", "y", "z"),
      node("Relu", "z", "w"),
      node("Frobnicate", "w", "odd"),
      node("Relu", "odd", "after"),
    ],
  };

  it("leaves out what it cannot know, and goes on from declared outputs", () => {
    const values = inferGraph(graph);
    expect([...values.keys()]).toEqual(["x", "y", "odd", "after"]);
    expect(values.get("after")?.shape).toEqual([7]);
  });

  it("takes sizes that the caller fixes", () => {
    expect(inferGraph(graph, new Map([["x", [1, 3]]])).get("y")?.shape).toEqual([1, 3]);
  });
});
