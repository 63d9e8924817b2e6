/** Token ids that are compared with 0, 1, … and multiplied by a table, as JAX and TensorFlow look vectors up. */

import { describe, expect, it } from "vitest";
import * as ort from "onnxruntime-node";
import { compile, type CompileOptions } from "../../src/index.ts";
import {
  GraphBuilder,
  concatChunks,
  float32Tensor,
  int,
  int64Tensor,
  writeModel,
  type Model,
  type Value,
} from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance } from "../support/run.ts";

const [tokens, words, features, classes] = [4, 6, 3, 2];
const ids = [5, 0, 2, 2];
const table = randomNumbers(words * features, 5);
const head = randomNumbers(tokens * features * classes, 6);

interface Form {
  readonly dataType?: "int32" | "int64";
  readonly compare?: (b: GraphBuilder, ids: Value, range: Value) => Value;
  readonly bias?: boolean;
}

function modelOf({ dataType = "int64", compare, bias = false }: Form): Model {
  const b = new GraphBuilder();
  const given = b.input("ids", dataType, ["N", tokens]);
  const deep = b.op("Cast", [b.op("Unsqueeze", [given, b.integers([2])])], { to: int(7) });
  const range = b.constant(
    int64Tensor(
      Array.from({ length: words }, (_, i) => i),
      [1, 1, words],
    ),
    "range",
  );
  const equal = compare?.(b, deep, range) ?? b.op("Equal", [deep, range]);
  const one = b.op("Cast", [equal], { to: int(1) });
  const product = b.op(
    "MatMul",
    [one, b.constant(float32Tensor(table, [words, features]), "table")],
    {},
    bias ? "product" : "vectors",
  );
  const vectors = bias
    ? b.op("Add", [product, b.constant(float32Tensor([0.1, 0.2, 0.3], [features]), "c")], {}, "vectors")
    : product;
  const flat = b.op("Reshape", [b.op("Tanh", [vectors]), b.integers([-1, tokens * features])]);
  b.output(
    b.op("MatMul", [flat, b.constant(float32Tensor(head, [tokens * features, classes]), "head")]),
    "output",
  );
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

const forms: readonly (readonly [string, Form])[] = [
  ["as JAX writes it", {}],
  ["of int32", { dataType: "int32" }],
  ["the range first", { compare: (b, x, range) => b.op("Equal", [range, x]) }],
  [
    "expanded before",
    { compare: (b, x, range) => b.op("Equal", [b.op("Expand", [x, b.integers([1, tokens, words])]), range]) },
  ],
  ["with a bias", { bias: true }],
];

const refused =
  (form: Form): (() => unknown) =>
  () =>
    compile(modelOf(form), { composite: "gradient" });

describe("relevance of ids that are looked up by a product", () => {
  it.each(forms)("%s", async (_name, form) => {
    const run = async (options: CompileOptions): Promise<ort.Tensor> => {
      const { model } = compile(modelOf(form), { composite: "gradient", start: "output", ...options });
      const bytes = concatChunks(writeModel(model).chunks);
      const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
      const whole = form.dataType === "int32" ? Int32Array.from(ids) : BigInt64Array.from(ids, BigInt);
      const { relevance } = await session.run({
        ids: new ort.Tensor(form.dataType ?? "int64", whole as BigInt64Array, [1, tokens]),
        target: new ort.Tensor("float32", Float32Array.of(0, 1), [1, classes]),
      });
      return relevance as ort.Tensor;
    };
    const shift = form.bias ? [0.1, 0.2, 0.3] : [0, 0, 0];
    const expected = ids.flatMap((id, t) =>
      shift.map((c, f) => {
        const slope = 1 - Math.tanh((table[id * features + f] as number) + c) ** 2;
        return slope * (head[(t * features + f) * classes + 1] as number);
      }),
    );
    const vectors = await run({ layer: "vectors" });
    expect(vectors.dims).toEqual([1, tokens, features]);
    expect(relativeDistance(vectors.data as Float32Array, expected)).toBeLessThan(1e-5);
    // Without a layer it is the length of each token's gradient.
    const lengths = ids.map((_, t) => Math.hypot(...expected.slice(t * features, (t + 1) * features)));
    const whole = await run({});
    expect(whole.dims).toEqual([1, tokens]);
    expect(relativeDistance(whole.data as Float32Array, lengths)).toBeLessThan(1e-5);
  });

  it("is refused where more than equality decides", () => {
    expect(refused({ compare: (b, x, range) => b.op("LessOrEqual", [x, range]) })).toThrow(/no token ids/);
  });
});
