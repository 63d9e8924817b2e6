/**
 * What moves, copies and picks elements loses no relevance: with LRP the ledger of every such operator adds up. And what
 * takes none (indices, conditions), and what is refused.
 */

import { describe, expect, it } from "vitest";
import { compile, readLedger, UnexplainableError } from "../../src/index.ts";
import {
  GraphBuilder,
  int,
  int64Tensor,
  string,
  type Model,
  type Shape,
  type Value,
} from "../../src/onnx/index.ts";
import { randomNumbers, runModel } from "../support/run.ts";
import { image, type Case } from "./transpose-cases/case.ts";
import { movingCases } from "./transpose-cases/moving.ts";
import { resamplingCases } from "./transpose-cases/resampling.ts";

function modelOf({ make, opset = 17 }: Pick<Case, "make" | "opset">, shape: Shape = image): Model {
  const b = new GraphBuilder();
  b.output(make(b, b.input("input", "float32", shape)), "output");
  return { irVersion: 8, opsets: { "": opset }, producer: "test", metadata: {}, graph: b.graph("test") };
}

const operatorsOf = (model: Model): Set<string> =>
  new Set(compile(model, { composite: "epsilon" }).model.graph.nodes.map(({ opType }) => opType));

const refusal = (model: Model): string => {
  try {
    compile(model, { composite: "epsilon" });
  } catch (error) {
    if (error instanceof UnexplainableError) return error.obstacles.map(({ why }) => why).join("; ");
    throw error;
  }
  return "none";
};

describe("the ledger adds up", () => {
  const all = [...movingCases, ...resamplingCases];
  it.each(all.map((each) => [`${each.op}${each.title ? `, ${each.title}` : ""}`, each] as const))(
    "%s",
    async (_title, each) => {
      const shape = each.shape ?? image;
      // One sample: what an operator makes of the first axis is all its own business then.
      const whole = [1, ...shape];
      const model = modelOf(
        {
          ...each,
          make: (b, x) =>
            b.op("Unsqueeze", [each.make(b, b.op("Squeeze", [x, b.integers([0])])), b.integers([0])]),
        },
        whole,
      );
      const compiled = compile(model, { composite: "epsilon", seed: "one", ledger: true });
      const { shape: dims } = compiled.output;
      const size = dims.reduce((a: number, n) => a * (n as number), 1);
      const results = await runModel(compiled.model, {
        input: {
          data: randomNumbers(
            shape.reduce((a, n) => a * n, 1),
            3,
          ),
          dims: whole,
        },
        target: { data: randomNumbers(size, 4), dims: dims as readonly number[] },
      });
      expect(results["relevance"]!.data.every(Number.isFinite)).toBe(true);
      const [ledger] = readLedger(compiled.ledger!, results["ledger"]!);
      for (const { node, sums } of ledger!.entries) {
        expect(Math.abs(sums.rest), `rest at ${node}`).toBeLessThanOrEqual(
          1e-4 * Math.max(1, sums.magnitude),
        );
        expect(Math.abs(sums.rule), `rule at ${node}`).toBeLessThanOrEqual(
          1e-4 * Math.max(1, sums.magnitude),
        );
      }
    },
  );
});

describe("relevance goes to what is picked, never to what says where", () => {
  it("so what indices are computed from needs no rule", () => {
    const model = modelOf({
      make(b, x) {
        const [values, places] = b.ops("TopK", [x, b.integers([2])], { axis: int(3) }, 2) as [Value, Value];
        const halved = b.op("Mod", [places, b.integers([2])]);
        return b.op("Add", [values, b.op("GatherElements", [b.op("Tanh", [x]), halved], { axis: int(3) })]);
      },
    });
    expect(refusal(model)).toBe("none");
    expect(compile(model).plan.map(({ operator }) => operator)).not.toContain("Mod");
  });

  it("so a lookup by ids alone takes none", () => {
    const model = modelOf({
      make(b, x) {
        const ids = b.op("Cast", [x], { to: int(7) });
        const table = b.constant({ dataType: "float32", dims: [5], bytes: new Uint8Array(20) }, "table");
        return b.op("Add", [b.op("Gather", [table, ids]), x]);
      },
    });
    expect(compile(model).plan.map(({ operator }) => operator)).toEqual(["Add"]);
  });

  it("so indices need not even be there", () => {
    const model = modelOf({
      make(b, x) {
        const inputs = [x.name, b.integers([2]).name];
        const attributes = { axis: int(3) };
        b.add({ name: "top", opType: "TopK", domain: "", inputs, outputs: ["values", ""], attributes });
        return b.op("Tanh", [b.value("values")]);
      },
    });
    expect(operatorsOf(model).has("ScatterElements")).toBe(true);
  });

  it("and elements that Where took from a constant of −∞ stay out of it", async () => {
    const model = modelOf({
      make(b, x) {
        const positive = b.op("Greater", [x, b.scalar(0)]);
        return b.op("Exp", [b.op("Where", [positive, x, b.scalar(-Infinity)])]);
      },
    });
    const size = image.reduce((a, n) => a * n, 1);
    const data = randomNumbers(size, 3);
    const { model: graph } = compile(model, { composite: "epsilon", seed: "one", ledger: true });
    const target = { data: new Float32Array(size).fill(1), dims: image };
    const results = await runModel(graph, { input: { data, dims: image }, target });
    expect(results["relevance"]!.data).toEqual(data.map((n) => (n > 0 ? 1 : 0)));
    expect(results["ledger"]!.data.every(Number.isFinite)).toBe(true);
  });
});

const gathered = (numbers: readonly number[]): Model =>
  modelOf({
    make: (b, x) => b.op("Gather", [x, b.constant(int64Tensor(numbers), "places")], { axis: int(3) }),
  });

describe("the way back is written in operators that every back end runs", () => {
  it("one Pad for a run, a Gather for each time an element is picked, ScatterElements beyond four", () => {
    expect([...operatorsOf(gathered([1, 2]))]).not.toContain("ScatterElements");
    expect([...operatorsOf(gathered([4, 0, 0, 2, 0]))]).not.toContain("ScatterElements");
    expect([...operatorsOf(gathered([4, 0, 0, 0, 0, 0]))]).toContain("ScatterElements");
  });

  it("no SpaceToDepth for DepthToSpace", () => {
    const operators = operatorsOf(
      modelOf({
        make: (b, x) =>
          b.op("DepthToSpace", [b.op("Concat", [x, x, x, x], { axis: int(1) })], { blocksize: int(2) }),
      }),
    );
    expect([...operators]).not.toContain("SpaceToDepth");
  });
});

describe("refused, with the reason", () => {
  it.each<readonly [string, (b: GraphBuilder, x: Value) => Value, Shape, RegExp]>([
    [
      "a product of what is scattered",
      (b, x) => {
        const places = b.constant(int64Tensor([0, 1], [2, 1]), "places");
        return b.op("ScatterND", [x, places, b.op("Tanh", [x])], { reduction: string("mul") });
      },
      [2, 3],
      /scatters by "mul"/,
    ],
    [
      "a cubic Resize of open size",
      (b, x) => b.op("Resize", [x, undefined, b.numbers([1, 1, 2, 2])], { mode: string("cubic") }),
      ["N", 3, "H", "W"],
      /--size H,W/,
    ],
    [
      "a Resize that crops",
      (b, x) =>
        b.op("Resize", [x, b.numbers([0, 0, 0, 0, 1, 1, 0.5, 0.5]), undefined, b.integers([2, 3, 4, 4])], {
          mode: string("linear"),
          coordinate_transformation_mode: string("tf_crop_and_resize"),
        }),
      image,
      /tf_crop_and_resize/,
    ],
    [
      "a condition of the run",
      (b, x) => b.op("Compress", [x, b.op("Reshape", [b.op("Greater", [x, b.scalar(0)]), b.integers([-1])])]),
      image,
      /known only at run time: export it as Where or Gather/,
    ],
  ])("%s", (_title, make, shape, why) => {
    expect(refusal(modelOf({ make }, shape))).toMatch(why);
  });
});
