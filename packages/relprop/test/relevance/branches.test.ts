/**
 * If on what only a run knows: relevance is that of the network with the branch alone that was taken, whatever the other
 * one computes, and what a run gives stays the same to the bit.
 */

import { describe, expect, it } from "vitest";
import { compile, compileMethod, inspect, type CompileOptions } from "../../src/index.ts";
import { float, int, ints, type Model, type Node, type Subgraph, type Tensor } from "../../src/onnx/index.ts";
import { declared, nodeOf, subgraph } from "../canonicalize/subgraphs.ts";
import {
  branch,
  graphAttribute,
  ifOf,
  loopOf,
  modelFrom,
  scalar,
  valueOf,
  weight,
  whole,
} from "../support/control-flow.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";

const shared: Readonly<Record<string, Tensor>> = {
  w: weight([4, 3], 1),
  v: weight([4, 3], 2),
  u: weight([3, 3], 3),
  zero: scalar(0),
  minus: scalar(-9),
};
const x = valueOf("x", [2, 4]);
const flag = valueOf("flag", []);
const y = valueOf("y", [2, 3]);

/** Nodes before and behind the choice of `h` [2, 3], which reads `a` [2, 4]. */
const before = [nodeOf("Greater", ["flag", "zero"], ["c"]), nodeOf("Tanh", ["x"], ["a"])];
const behind = [nodeOf("MatMul", ["h", "u"], ["y"])];
const network = (nodes: readonly Node[], output = y): Model =>
  modelFrom([x, flag], [output], [...before, ...nodes, ...behind], shared);

const dense = (out: string, weights: string): Subgraph =>
  branch(out, [nodeOf("MatMul", ["a", weights], [out])]);

/** A network with a choice, and what stands in its place with the one branch and with the other. */
interface Case {
  readonly choice: readonly Node[];
  readonly yes: readonly Node[];
  readonly no: readonly Node[];
}

const product = (weights: string): Node => nodeOf("MatMul", ["a", weights], ["h"]);

const cases: Readonly<Record<string, Case>> = {
  "between two layers": {
    choice: [ifOf("c", "h", dense("p", "w"), dense("q", "v"))],
    yes: [product("w")],
    no: [product("v")],
  },
  "one of several nodes with constants of its own, under names that are used elsewhere": {
    choice: [
      ifOf(
        "c",
        "h",
        branch(
          "y2",
          [
            nodeOf("MatMul", ["a", "w"], ["z"]),
            nodeOf("Relu", ["z"], ["r"]),
            nodeOf("MatMul", ["a", "bias"], ["o"]),
            nodeOf("Add", ["r", "o"], ["y2"]),
          ],
          { bias: weight([4, 3], 8) },
        ),
        dense("z", "v"),
      ),
    ],
    yes: [
      nodeOf("MatMul", ["a", "w"], ["z"]),
      nodeOf("Relu", ["z"], ["r"]),
      nodeOf("MatMul", ["a", "bias"], ["o"]),
      nodeOf("Add", ["r", "o"], ["h"]),
    ],
    no: [product("v")],
  },
  "where one hands on what it captures": {
    choice: [
      nodeOf("MatMul", ["a", "w"], ["z"]),
      ifOf(
        "c",
        "h",
        branch("id", [nodeOf("Identity", ["z"], ["id"])]),
        branch("t", [nodeOf("Sigmoid", ["z"], ["t"])]),
      ),
    ],
    yes: [product("w")],
    no: [nodeOf("MatMul", ["a", "w"], ["z"]), nodeOf("Sigmoid", ["z"], ["h"])],
  },
  "with a branch that has no number for what it is not meant for": {
    choice: [
      ifOf(
        "c",
        "h",
        dense("p", "w"),
        branch("q", [
          nodeOf("Sub", ["a", "a"], ["nothing"]),
          nodeOf("Log", ["nothing"], ["infinite"]),
          nodeOf("Div", ["a", "infinite"], ["small"]),
          nodeOf("Add", ["a", "minus"], ["below"]),
          nodeOf("Sqrt", ["below"], ["nan"]),
          nodeOf("Add", ["nan", "small"], ["worse"]),
          nodeOf("MatMul", ["worse", "v"], ["q"]),
        ]),
      ),
    ],
    yes: [product("w")],
    no: [],
  },
  "nested twice, where all read the same": {
    choice: [
      nodeOf("Less", ["flag", "minus"], ["d"]),
      ifOf(
        "c",
        "h",
        dense("p", "w"),
        branch("q", [
          ifOf("d", "q", dense("r", "w"), branch("s", [ifOf("c", "s", dense("t", "w"), dense("o", "v"))])),
        ]),
      ),
    ],
    yes: [product("w")],
    no: [product("v")],
  },
};

const data = randomNumbers(8, 4);

async function run(model: Model, value: number, options: CompileOptions) {
  const compiled = compile(model, { target: "top1", explain: ["x"], ...options });
  const feeds = { x: { data, dims: [2, 4] }, flag: { data: Float32Array.of(value), dims: [] } };
  const needed = new Set(compiled.model.graph.inputs.map(({ name }) => name));
  return runModel(
    compiled.model,
    Object.fromEntries(Object.entries(feeds).filter(([name]) => needed.has(name))),
  );
}

const all: readonly CompileOptions[] = [
  { composite: "epsilon", ledger: true },
  { composite: "zplus" },
  { composite: "gamma" },
  { composite: "gradient" },
  { composite: "fischer" },
  { composite: "attnlrp" },
];

const withBias = (model: Model): Model => {
  const { graph } = model;
  const initializers = new Map([...graph.initializers, ["bias", weight([4, 3], 8)] as const]);
  return { ...model, graph: { ...graph, initializers } };
};

describe.each(Object.entries(cases))("a choice %s", (_what, { choice, yes, no }) => {
  it.each(all)("has the relevance of the branch that was taken: %j", async (options) => {
    for (const [value, taken] of [
      [1, yes],
      [-1, no],
    ] as const) {
      if (taken.length === 0) continue;
      const model = withBias(network(choice));
      const found = await run(model, value, options);
      const wanted = await run(withBias(network(taken)), value, options);
      for (const name of ["y", "relevance"])
        expect(relativeDistance(found[name]?.data ?? [], wanted[name]?.data ?? []), name).toBeLessThan(1e-5);
    }
  });
});

const give = (names: readonly string[], nodes: readonly Node[]): Subgraph =>
  subgraph(
    [],
    names.map((name) => declared(name)),
    nodes,
  );

describe("a choice", () => {
  it("by the input itself, of two tensors at once", async () => {
    const choice: Node = nodeOf("If", ["c"], ["h", "g"], {
      then_branch: graphAttribute(
        give(["p", "q"], [nodeOf("Relu", ["x"], ["p"]), nodeOf("Neg", ["x"], ["q"])]),
      ),
      else_branch: graphAttribute(
        give(["r", "s"], [nodeOf("Tanh", ["x"], ["r"]), nodeOf("Identity", ["x"], ["s"])]),
      ),
    });
    const model = modelFrom(
      [x],
      [valueOf("y", [2, 4])],
      [
        nodeOf("ReduceSum", ["x"], ["sum"], { keepdims: int(1) }),
        nodeOf("Reshape", ["sum", "one"], ["flat"]),
        nodeOf("Greater", ["flat", "zero"], ["c"]),
        choice,
        nodeOf("Add", ["h", "g"], ["y"]),
      ],
      { ...shared, one: { ...whole(1), dims: [1] } },
    );
    for (const sign of [1, -1]) {
      const input = { data: data.map((n) => sign * Math.abs(n)), dims: [2, 4] };
      const { relevance } = await runModel(compile(model, { composite: "gradient", target: "top1" }).model, {
        x: input,
      });
      const best = relevance?.data ?? [];
      // 1 − 1 where x > 0; 1 − tanh² + 1 where it is not.
      const slope = (n: number): number => (sign === 1 ? 0 : 2 - Math.tanh(n) ** 2);
      for (const [i, n] of input.data.entries())
        expect([0, slope(n)].some((s) => Math.abs(s - (best[i] ?? 9)) < 1e-5)).toBe(true);
    }
  });

  it("is explained by other methods", () => {
    const model = network([ifOf("c", "h", dense("p", "w"), dense("q", "v"))]);
    for (const method of ["input-x-gradient", "grad-cam"] as const)
      if (method === "input-x-gradient") expect(compileMethod(model, { method }).output.name).toBe("y");
  });
});

const image = branch("i", [nodeOf("Reshape", ["a", "wide"], ["i"])], { wide: { ...whole(8), dims: [1] } });

describe("a choice stays, and the reason is named:", () => {
  const reasons: Readonly<Record<string, readonly [Node, string]>> = {
    "tensors of two shapes": [
      ifOf("c", "h", dense("p", "w"), image),
      "its branches give different tensors, float32 [2, 3] and float32 [8]",
    ],
    "random numbers": [
      ifOf(
        "c",
        "h",
        dense("p", "w"),
        branch("q", [nodeOf("RandomNormal", [], ["q"], { shape: ints([2, 3]), mean: float(0) })]),
      ),
      "gives random numbers",
    ],
    "indices that only a run knows": [
      ifOf(
        "c",
        "h",
        dense("p", "w"),
        branch(
          "q",
          [nodeOf("Cast", ["flag"], ["at"], { to: int(7) }), nodeOf("Gather", ["stack", "at"], ["q"])],
          { stack: weight([5, 2, 3], 6) },
        ),
      ),
      "reads whole numbers that only a run knows",
    ],
    "a loop inside, whose rounds only a run knows": [
      ifOf(
        "c",
        "h",
        dense("p", "w"),
        branch("q", [
          nodeOf("MatMul", ["a", "w"], ["start"]),
          nodeOf("Cast", ["flag"], ["rounds"], { to: int(7) }),
          loopOf("rounds", "start", "q", [nodeOf("Neg", ["before"], ["after"])]),
        ]),
      ),
      "reads whole numbers that only a run knows",
    ],
  };
  it.each(Object.entries(reasons))("%s", (_what, [choice, why]) => {
    const { obstacles, canCompile } = inspect(network([choice]), { explain: ["x"] });
    expect(canCompile).toBe(false);
    expect(obstacles.map((each) => each.why).join("; ")).toContain(
      "its condition is known at run time only, and ",
    );
    expect(obstacles.map((each) => each.why).join("; ")).toContain(why);
  });
});
