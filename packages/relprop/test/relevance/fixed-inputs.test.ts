/** Inputs that are fixed to constants: what is compiled, what it gives, and what is refused. */

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  compile,
  compileMethod,
  Explainer,
  InputError,
  inspect,
  OptionError,
  readAnswer,
  type CompileOptions,
  type FixedInputs,
} from "../../src/index.ts";
import { int, readModel, type Model } from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { nodeOf } from "../canonicalize/subgraphs.ts";
import {
  branch,
  ifOf,
  loopOf,
  modelFrom,
  scalar,
  truth,
  valueOf,
  weight,
  whole,
} from "../support/control-flow.ts";
import { randomNumbers, runModel } from "../support/run.ts";

const rate = readModel(readFileSync(new URL("../cases/networks/if-on-rate.onnx", import.meta.url)));

const options: CompileOptions = { composite: "epsilon", target: "top1" };

async function relevanceOf(model: Model, more: CompileOptions = {}): Promise<Float32Array> {
  const { model: compiled, input } = compile(model, { ...options, ...more });
  const dims = input.shape.map((dim) => (typeof dim === "number" ? dim : 2));
  const data = randomNumbers(sizeOf(dims), 3);
  const run = await runModel(compiled, { [input.name]: { data, dims } });
  return run["relevance"]?.data as Float32Array;
}

const x = valueOf("x", [1, 4]);
const y = valueOf("y", [1, 3]);
const product = (from: string, to: string, seed: number) =>
  branch(to, [nodeOf("MatMul", [from, "w"], [to])], { w: weight([4, 3], seed) });
const dense = (seed: number): Model =>
  modelFrom([x], [y], [nodeOf("MatMul", ["x", "w"], ["y"])], { w: weight([4, 3], seed) });

/** A model with an input that decides, what it is fixed to, and the model that is then left. */
const cases: readonly [what: string, model: Model, set: FixedInputs, left: Model][] = [
  [
    "a switch between branches",
    modelFrom(
      [x, valueOf("fast", [1], "bool")],
      [y],
      [ifOf("fast", "y", product("x", "a", 1), product("x", "b", 2))],
    ),
    { fast: false },
    dense(2),
  ],
  [
    "a mode that branches inside of branches compare",
    modelFrom(
      [x, valueOf("mode", [], "int32")],
      [y],
      [
        nodeOf("Cast", ["mode"], ["wide"], { to: int(7) }),
        nodeOf("Equal", ["wide", "zero"], ["first"]),
        ifOf(
          "first",
          "y",
          product("x", "a", 1),
          branch("c", [
            nodeOf("Equal", ["wide", "one"], ["second"]),
            ifOf("second", "c", product("x", "d", 5), product("x", "e", 6)),
          ]),
        ),
      ],
      { zero: whole(0), one: whole(1) },
    ),
    { mode: 1 },
    dense(5),
  ],
  [
    "the rounds of a loop",
    modelFrom(
      [x, valueOf("rounds", [], "int64")],
      [valueOf("y", [1, 4])],
      [loopOf("rounds", "x", "y", [nodeOf("MatMul", ["before", "w"], ["after"])], { w: weight([4, 4], 7) })],
    ),
    { rounds: 2 },
    modelFrom(
      [x],
      [valueOf("y", [1, 4])],
      [nodeOf("MatMul", ["x", "w"], ["z"]), nodeOf("MatMul", ["z", "w"], ["y"])],
      { w: weight([4, 4], 7) },
    ),
  ],
  [
    "a temperature that comes first",
    modelFrom(
      [valueOf("temperature", []), x],
      [y],
      [nodeOf("MatMul", ["x", "w"], ["z"]), nodeOf("Div", ["z", "temperature"], ["y"])],
      { w: weight([4, 3], 8) },
    ),
    { temperature: 2 },
    modelFrom([x], [y], [nodeOf("MatMul", ["x", "w"], ["z"]), nodeOf("Div", ["z", "t"], ["y"])], {
      w: weight([4, 3], 8),
      t: scalar(2),
    }),
  ],
  [
    "the sizes of a Reshape",
    modelFrom(
      [x, valueOf("sizes", ["rank"], "int64")],
      [y],
      [
        nodeOf("Reshape", ["x", "sizes"], ["rows"]),
        nodeOf("ReduceSum", ["rows", "axis"], ["sum"]),
        nodeOf("Concat", ["sum", "sum", "sum"], ["y"], { axis: int(1) }),
      ],
      { axis: { ...whole(0), dims: [1] } },
    ),
    { sizes: [4, 1] },
    modelFrom(
      [x],
      [y],
      [
        nodeOf("Transpose", ["x"], ["rows"], { perm: { type: "ints", value: [1, 0] } }),
        nodeOf("ReduceSum", ["rows", "axis"], ["sum"]),
        nodeOf("Concat", ["sum", "sum", "sum"], ["y"], { axis: int(1) }),
      ],
      { axis: { ...whole(0), dims: [1] } },
    ),
  ],
  [
    "weights of several numbers",
    modelFrom(
      [x, valueOf("scale", [1, 4], "float16")],
      [y],
      [
        nodeOf("Cast", ["scale"], ["wide"], { to: int(1) }),
        nodeOf("Mul", ["x", "wide"], ["z"]),
        nodeOf("MatMul", ["z", "w"], ["y"]),
      ],
      { w: weight([4, 3], 9) },
    ),
    { scale: [1, 2, -0.5, 0.25] },
    modelFrom([x], [y], [nodeOf("Mul", ["x", "wide"], ["z"]), nodeOf("MatMul", ["z", "w"], ["y"])], {
      w: weight([4, 3], 9),
      wide: { ...weight([1, 4], 0), bytes: new Uint8Array(Float32Array.of(1, 2, -0.5, 0.25).buffer) },
    }),
  ],
];

/** A model with a number of a type beside it. */
const withNumber = (type: "float16" | "uint8" | "bool" | "string"): Model =>
  modelFrom([x, valueOf("s", [1], type)], [valueOf("y", [1, 4])], [nodeOf("Relu", ["x"], ["y"])]);

describe("fixed inputs", () => {
  it("choose the branch", async () => {
    for (const [sr, weights] of [
      [16000, "W"],
      [8000, "V"],
    ] as const) {
      const fixed = await relevanceOf(rate, { set: { sr } });
      const inside = rate.graph.initializers.get(weights);
      const plain = { ...dense(0).graph, inputs: [valueOf("x", [1, 2])] };
      const left = {
        ...rate,
        graph: { ...plain, initializers: new Map([["w", inside as typeof inside & {}]]) },
      };
      expect(fixed).toEqual(await relevanceOf(left));
    }
  });

  it.each(cases)("%s", async (_what, model, set, left) => {
    expect(await relevanceOf(model, { set })).toEqual(await relevanceOf(left));
    const { model: compiled, others } = compile(model, { ...options, set });
    expect(compiled.graph.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(others).toEqual([]);
    expect(JSON.parse(compiled.metadata["relprop.options"] ?? "")).toMatchObject({ set });
    expect(inspect(model, { ...options, set })).toMatchObject({ canCompile: true, obstacles: [] });
    expect(readAnswer(model, { set })).toEqual(readAnswer(left));
    const method = compileMethod(model, { method: "input-x-gradient", set, target: "top1" });
    expect(method.model.graph.inputs.map(({ name }) => name)).toEqual(["x"]);
  });

  it("are no inputs of an Explainer", async () => {
    const explainer = new Explainer({ ort, model: rate, composite: "epsilon", set: { sr: 8000 } });
    const input = { data: Float32Array.of(1, 2), dims: [1, 2] };
    const { relevance } = await explainer.explain(input, { target: 1 });
    // x ⊙ V[:, 1], as z is its sum.
    const [a = 0, c = 0] = [1, 4].map((at) =>
      Number(new Float32Array(new Uint8Array(rate.graph.initializers.get("V")?.bytes ?? []).buffer)[at]),
    );
    expect(relevance.data[0]).toBeCloseTo(a, 4);
    expect(relevance.data[1]).toBeCloseTo(2 * c, 4);
    const feeding = explainer.explain(input, {
      target: 1,
      others: { sr: { data: Float32Array.of(16000), dims: [] } },
    });
    await expect(feeding).rejects.toThrow(InputError);
    await expect(feeding).rejects.toThrow('cannot feed "sr"');
    await explainer.dispose();
  });

  it.each([
    [{ set: { rate: 1 } }, 'no input of that name; its inputs are "x" float32 [1, 2], "sr" int64 []'],
    [{ set: { sr: 1.5 } }, "it takes int64, and 1.5 is none"],
    [{ set: { sr: true } }, "it takes int64, and true is none"],
    [{ set: { sr: 2 ** 60 } }, "is none"],
    [{ set: { sr: [1, 2] } }, "it takes 1 number, and 2 are given"],
    [{ set: { sr: [] } }, "it takes 1 number, and 0 are given"],
    [{ set: { x: [1, 2] } }, "no input that could be explained would be left"],
    [{ set: { x: [1, 2] }, input: "x" }, "it is what is explained"],
    [{ set: { x: [1, 2] }, explain: ["x"] }, "it is what is explained"],
  ] satisfies [CompileOptions, string][])("refuse %j", (wrong, message) => {
    for (const ask of [compile, inspect, readAnswer]) {
      expect(() => ask(rate, wrong)).toThrow(OptionError);
      expect(() => ask(rate, wrong)).toThrow(message);
    }
  });

  it("refuse what a type does not hold", () => {
    expect(() => compile(withNumber("float16"), { set: { s: 1e6 } })).toThrow("is more than float16 holds");
    expect(() => compile(withNumber("uint8"), { set: { s: 256 } })).toThrow("256 is none");
    expect(() => compile(withNumber("bool"), { set: { s: 2 } })).toThrow("2 is none");
    expect(() => compile(withNumber("string"), { set: { s: 2 } })).toThrow("it takes texts");
  });

  it("replace a default that the file has", async () => {
    const model = modelFrom(
      [x, valueOf("fast", [], "bool")],
      [y],
      [ifOf("fast", "y", product("x", "a", 1), product("x", "b", 2))],
      { fast: truth(true) },
    );
    expect(await relevanceOf(model, { set: { fast: false } })).toEqual(await relevanceOf(dense(2)));
  });
});
