/** What inspect says: each node, each obstacle, the alternatives; and that compile agrees. */

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  compile,
  compositeNames,
  inspect,
  inspectionText,
  UnexplainableError,
  type CompileOptions,
  type Inspection,
} from "../src/index.ts";
import {
  concatChunks,
  GraphBuilder,
  int,
  ints,
  int64Tensor,
  readModel,
  writeModel,
  type Model,
  type Value,
} from "../src/onnx/index.ts";
import { batchNorm, random } from "./canonicalize/before-and-after.ts";
import { foreign, modelOf, network, twoHeads } from "./support/inspected-models.ts";
import { randomNumbers, relativeDistance, runModel } from "./support/run.ts";

const nodeOf = (inspection: Inspection, name: string): Inspection["nodes"][number] => {
  const found = inspection.nodes.find((node) => node.name === name);
  if (!found) throw new Error(`no node "${name}" among ${inspection.nodes.map((node) => node.name).join()}`);
  return found;
};

describe("each node", () => {
  const inspection = inspect(network());

  it("is there once, in the model's order, with its shape", () => {
    const names = network().graph.nodes.map((node) => node.name);
    expect(inspection.nodes.map((node) => node.name)).toEqual(names);
    expect(nodeOf(inspection, "conv").shape).toEqual(["N", 4, 4, 4]);
    expect(nodeOf(inspection, "erf").shape).toHaveLength(2);
  });

  it.each([
    ["conv", "", "explained", "zplus", "epsilon-plus, convolution"],
    ["norm", 'folded into Conv "conv"', "explained", "zplus", 'with Conv "conv"'],
    ["relu", "", "explained", "pass", "epsilon-plus, activation"],
    ["drop", "dropped", "explained", "pass", "its output is its input"],
    ["shape", "dropped", "carries no relevance", null, "no output needs it"],
    ["size", "dropped", "carries no relevance", null, "no output needs it"],
    ["erf", 'part of Gelu "gelu"', "explained", "pass", 'with Gelu "gelu"'],
    ["gelu", "Gelu", "explained", "pass", "epsilon-plus, activation"],
    ["dense", "Linear", "explained", "epsilon", "epsilon-plus, dense"],
    ["bias", 'part of Linear "dense"', "explained", "epsilon", 'with Linear "dense"'],
    ["softmax", "", "carries no relevance", null, 'relevance starts before it, at the logits "bias"'],
  ] as const)("%s: %s, %s", (name, form, state, rule, why) => {
    expect(nodeOf(inspection, name)).toMatchObject({ form, state, rule, why });
  });

  it("that conversion replaced says by what, and where it went", () => {
    const file = fileURLToPath(new URL("../../../examples/tables/tumours.onnx", import.meta.url));
    const scaler = inspect(readModel(readFileSync(file))).nodes.find(({ operator }) =>
      /Scaler/.test(operator),
    );
    expect(scaler).toMatchObject({ form: "converted to Sub, Mul", state: "explained" });
    expect(scaler?.why).toMatch(/^with Linear "/);
  });

  it("says what is explained", () => {
    expect(inspection).toMatchObject({
      v: 1,
      model: { opset: 17, producer: "test 1", nodes: network().graph.nodes.length },
      plan: { composite: "epsilon-plus", input: "x", layer: "x", output: "y", explained: "bias" },
      obstacles: [],
      problems: [],
      alternatives: [],
      canCompile: true,
    });
    expect(inspection.model.parameters).toBe(4 * 27 + 4 * 4 + 64 * 5 + 5 + 3);
    expect(inspection.model.inputs).toEqual([{ name: "x", dataType: "float32", shape: ["N", 3, 6, 6] }]);
  });

  it("that another input or nothing reaches says so", () => {
    const b = new GraphBuilder();
    const [x, z] = [b.input("x", "float32", ["N", 4]), b.input("z", "float32", ["N", 4])];
    const side = b.op("Relu", [z], {}, "side");
    b.output(b.op("Add", [b.op("Tanh", [x], {}, "tanh"), side], {}, "sum"), "y");
    b.output(b.op("Sigmoid", [x], {}, "apart"), "other");
    const found = inspect(modelOf(b.graph("g")), { input: "x", explain: ["x"] });
    expect(nodeOf(found, "side").why).toBe('the explained input "x" does not reach it');
    expect(nodeOf(found, "apart").why).toBe('the explained tensor "y" does not depend on it');
    expect(found.canCompile).toBe(true);
    const down = inspect(modelOf(b.graph("g")), { input: "x", layer: "tanh" });
    expect(nodeOf(down, "tanh").why).toBe('relevance stops at "tanh"');
  });

  it("that canonical form adds is shown where it computes", () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", [4, 3]);
    const gemm = b.op("Gemm", [x, b.constant(random(4, 5), "w")], { transA: int(1) }, "gemm");
    b.output(b.op("Relu", [gemm], {}, "relu"), "y");
    const { nodes } = inspect(modelOf(b.graph("g")));
    expect(nodes.map(({ operator, form }) => [operator, form])).toEqual([
      ["Transpose", "added"],
      ["Gemm", ""],
      ["Relu", ""],
      ["Identity", "dropped"],
    ]);
  });
});

describe("sizes computed from the input", () => {
  it("stand in nobody's way: relevance is that of the fixed size", async () => {
    const feeds = {
      x: { data: randomNumbers(2 * 108, 5), dims: [2, 3, 6, 6] },
      target: { data: Float32Array.of(0, 1, 0, 0, 0, 0, 0, 0, 0, 1), dims: [2, 5] },
    };
    const [found, expected] = await Promise.all(
      [network(), network(false)].map((model) => runModel(compile(model).model, feeds)),
    );
    const [relevance, fixed] = [found?.["relevance"]?.data ?? [], expected?.["relevance"]?.data ?? []];
    expect(relativeDistance(relevance, fixed)).toBe(0);
    expect(relevance.some((value) => value !== 0)).toBe(true);
  });
});

/** Options of the command -> options of the library. */
function asOptions(option: string): CompileOptions {
  const [flag, value = ""] = option.split(" ");
  if (flag === "--output") return { output: value };
  if (flag === "--layer") return { layer: value };
  if (flag === "--fallback") return { fallback: value as "gradient" | "pass" };
  const [pattern = "", rule = ""] = value.split("=");
  return { rules: [{ pattern, rule }] };
}

describe("obstacles", () => {
  const inspection = inspect(twoHeads());

  it("are listed all at once, with their path, reason and rules", () => {
    expect(inspection.obstacles).toEqual([
      {
        node: "winner",
        operator: "Hardmax",
        path: ['output "hard"', "last", "gate", "winner"],
        why: expect.stringContaining("step"),
        behind: 0,
        rules: ["pass"],
      },
      expect.objectContaining({ node: "round", operator: "Round", rules: ["pass"] }),
      expect.objectContaining({
        node: "gate",
        operator: "Mul",
        rules: expect.arrayContaining(["pass", "gradient", "norm"]),
      }),
    ]);
    expect(nodeOf(inspection, "winner")).toMatchObject({ state: "refused", rule: null });
    expect(inspection.canCompile).toBe(false);
  });

  it("are those that compile throws", () => {
    try {
      compile(twoHeads());
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(UnexplainableError);
      const { obstacles } = error as UnexplainableError;
      expect(obstacles).toHaveLength(inspection.obstacles.length);
      expect(inspection.obstacles).toMatchObject(obstacles);
    }
  });

  it("come with alternatives, each of which helps", () => {
    expect(inspection.alternatives.map(({ option }) => option)).toEqual([
      "--output easy",
      "--output relu",
      "--layer gate",
      "--rule winner=pass",
      "--rule round=pass",
      "--rule gate=gradient",
      "--fallback pass",
    ]);
    for (const { option } of inspection.alternatives) {
      const after = inspect(twoHeads(), asOptions(option));
      if (option.startsWith("--rule")) expect(after.obstacles).toHaveLength(inspection.obstacles.length - 1);
      else expect(after.canCompile).toBe(true);
    }
  });

  it("are gone if a rule is given for each of them", () => {
    const rules = [
      { pattern: "winner", rule: "pass" },
      { pattern: "round", rule: "pass" },
      { pattern: "gate", rule: "norm" },
    ];
    const found = inspect(twoHeads(), { rules });
    expect(found.canCompile).toBe(true);
    expect(nodeOf(found, "gate")).toMatchObject({ rule: "norm", why: "--rule gate" });
  });

  it("stay if relevance cannot pass them unchanged", () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", ["N", 4]);
    b.output(b.op("Unique", [x], {}, "unique"), "y");
    const found = inspect(modelOf(b.graph("g")), { fallback: "pass" });
    expect(found.obstacles).toMatchObject([{ node: "unique", rules: [] }]);
    expect(found.alternatives).toEqual([]);
    expect(() => compile(modelOf(b.graph("g")), { fallback: "pass" })).toThrow(/unique/);
  });
});

describe("what is no obstacle but a problem", () => {
  it.each([
    ["a rule that is used nowhere", { rules: [{ pattern: "cnov", rule: "gamma" }] }, /used nowhere/],
    ["a box without bounds", { composite: "epsilon-gamma-box" }, /zbox/],
  ] as const)("%s is reported as compile reports it", (_title, options, what) => {
    const { problems, canCompile, nodes } = inspect(network(), options);
    expect(canCompile).toBe(false);
    expect(nodes.length).toBeGreaterThan(0);
    expect(problems).toMatchObject([{ what: expect.stringMatching(what) }]);
    expect(() => compile(network(), options)).toThrow(problems[0]?.why);
  });

  it("an output that does not depend on the input", () => {
    const b = new GraphBuilder();
    const [x, z] = [b.input("x", "float32", ["N", 4]), b.input("z", "float32", ["N", 4])];
    b.output(b.op("Relu", [z], {}, "relu"), "y");
    b.output(b.op("Tanh", [x], {}, "tanh"), "other");
    const model = modelOf(b.graph("g"));
    expect(inspect(model).plan?.input).toBe("z");
    const found = inspect(model, { input: "x" });
    expect(found.problems).toMatchObject([{ why: 'it does not depend on the input "x"' }]);
    expect(found.alternatives.map(({ option }) => option)).toEqual(["--output other"]);
    expect(inspectionText(found)).toContain("cannot be compiled\n  cannot explain the output");
  });
});

/** What the refusal advises, as options. */
function advice(model: Model): string[] {
  try {
    compile(model);
    throw new Error("it was not refused");
  } catch (error) {
    const { fix = "" } = error as UnexplainableError;
    return [...fix.matchAll(/--(?:output|layer|fallback) [^\s,)]+|--rule '[^']+'/g)].map(([option]) =>
      option.replaceAll("'", ""),
    );
  }
}

/** The model as a file that says which shapes values have. */
function withHints(model: Model, ...hints: readonly Value[]): Model {
  const graph = { ...model.graph, hints: new Map(hints.map((hint) => [hint.name, hint])) };
  return readModel(
    concatChunks(writeModel({ ...model, opsets: { "": 17, "com.example": 1 }, graph }).chunks),
  );
}

const firstOutput = ({ graph }: Model, name: string): string =>
  graph.nodes.find((node) => node.name === name)?.outputs[0] ?? "";

describe("an output that is yes or no", () => {
  it.each([
    ["behind a tensor", true, ["--output tanh"]],
    ["behind the input itself", false, []],
  ] as const)("%s", (_title, isBehind, options) => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", ["N", 4]);
    const from = isBehind ? b.op("Tanh", [x], {}, "tanh") : x;
    b.output(b.op("Cast", [b.op("Greater", [from, b.scalar(0)])], { to: int(1) }, "cast"), "y");
    const model = modelOf(b.graph("g"));
    expect(() => compile(model)).toThrow(/yes or no/);
    expect(advice(model)).toEqual(options);
    for (const option of options) expect(inspect(model, asOptions(option)).canCompile).toBe(true);
  });
});

describe("operators of other domains", () => {
  it.each(["Relu", "Swirl"])("%s is an obstacle, and what stands behind it costs no line", (opType) => {
    const model = foreign(opType);
    const found = inspect(model);
    expect(nodeOf(found, "relu")).toMatchObject({
      operator: `com.example.${opType}`,
      state: "refused",
      shape: null,
      why: expect.stringContaining(`no rule for com.example.${opType} yet`),
    });
    expect(nodeOf(found, "flat")).toMatchObject({ state: "behind", why: expect.stringContaining('"relu"') });
    const behind = found.nodes.filter(({ state }) => state === "behind");
    expect(found.obstacles).toMatchObject([{ node: "relu", behind: expect.any(Number) }]);
    expect(behind.length).toBeGreaterThan(3);
    expect(inspectionText(found)).toContain(`1 refused, ${behind.length} behind it`);
    expect(() => compile(model, { fallback: "pass" })).toThrow(
      /1 operator is in the way .* \(\w+\), and \d+ nodes stand behind it/,
    );
    const options = advice(model);
    expect(options.map((option) => option.split(" ")[0])).toEqual(["--output"]);
    for (const option of options) expect(inspect(model, asOptions(option)).canCompile).toBe(true);
  });

  it("is all that stands in the way where the file says its shape", () => {
    const model = foreign("Swirl");
    const hint: Value = { name: firstOutput(model, "relu"), dataType: "float32", shape: ["N", 4, 4, 4] };
    const told = withHints(model, hint);
    const found = inspect(told);
    expect(found.obstacles).toMatchObject([{ node: "relu", behind: 0, rules: ["pass"] }]);
    expect(nodeOf(found, "flat")).toMatchObject({ state: "explained" });
    const options = advice(told);
    expect(options.map((option) => option.split(" ")[0])).toEqual([
      "--output",
      "--layer",
      "--rule",
      "--fallback",
    ]);
    for (const option of options) expect(inspect(told, asOptions(option)).canCompile).toBe(true);
  });

  it("beside the way leaves a node without a shape, and is named there", () => {
    const b = new GraphBuilder();
    const [x, z] = [b.input("x", "float32", ["N", 4]), b.input("z", "float32", ["N", 4])];
    const side = b.op("Relu", [z], {}, "side");
    const sum = b.op("Add", [b.op("Tanh", [x], {}, "tanh"), side], {}, "sum");
    b.output(b.op("Sigmoid", [b.op("Relu", [sum], {}, "last")], {}, "end"), "y");
    const { graph } = modelOf(b.graph("g"));
    const nodes = graph.nodes.map((node) =>
      node.name === "side" ? { ...node, opType: "Swirl", domain: "com.example" } : node,
    );
    const found = inspect(modelOf({ ...graph, nodes }), { input: "x", explain: ["x"] });
    expect(found.obstacles).toMatchObject([
      { node: "sum", why: expect.stringContaining('nothing is known of what Swirl "side" gives') },
    ]);
    expect(nodeOf(found, "last").state).toBe("behind");
  });

  it("is no obstacle's shadow: a second one behind it is listed, too", () => {
    const { graph, ...shell } = foreign("Swirl");
    const nodes = graph.nodes.map((node) =>
      node.name === "flat" ? { ...node, opType: "ImageDecoder" } : node,
    );
    const found = inspect({ ...shell, graph: { ...graph, nodes } });
    expect(found.obstacles).toMatchObject([{ node: "relu" }, { node: "flat", operator: "ImageDecoder" }]);
  });
});

describe("what a file says of values in between", () => {
  it("is not believed where inference knows better", () => {
    const model = network();
    const wrong: Value = { name: firstOutput(model, "conv"), dataType: "float32", shape: ["N", 9, 9, 9] };
    expect(nodeOf(inspect(withHints(model, wrong)), "conv").shape).toEqual(["N", 4, 4, 4]);
  });

  it("takes the size that the input is given", () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", ["N", 3, "height", "width"]);
    b.output(b.op("GlobalMaxPool", [b.op("Relu", [x], {}, "relu")], {}, "pool"), "y");
    const { graph } = modelOf(b.graph("g"));
    const nodes = graph.nodes.map((node) =>
      node.name === "relu" ? { ...node, opType: "Swirl", domain: "com.example" } : node,
    );
    const model = modelOf({ ...graph, nodes });
    const told = withHints(model, { ...x, name: firstOutput(model, "relu") });
    expect(nodeOf(inspect(told, { size: [6, 5] }), "relu").shape).toEqual(["N", 3, 6, 5]);
  });
});

describe("models of test/golden", () => {
  const root = new URL("./golden/", import.meta.url);
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const cases = folders.flatMap(({ name }) => compositeNames.map((composite) => [name, composite] as const));

  it.each(cases)("%s with %s gets the rules that compile uses", (folder, composite) => {
    const model = readModel(readFileSync(new URL(`${folder}/model.onnx`, root)));
    const options = { composite, low: -1, high: 1 };
    const inspection = inspect(model, options);
    expect(inspection).toMatchObject({ canCompile: true, obstacles: [], notes: [] });
    const names = inspection.nodes.map((node) => node.name);
    expect(names).toEqual(model.graph.nodes.map((node) => node.name));
    for (const { node, rule, why } of compile(model, options).plan) {
      expect(nodeOf(inspection, node)).toMatchObject({ state: "explained", rule, why });
    }
    expect(inspection.nodes.every(({ state, form }) => state === "explained" || form === "constant")).toBe(
      true,
    );
    expect(JSON.parse(JSON.stringify(inspection))).toEqual(inspection);
  });
});

describe("a compiled explanation", () => {
  it("tells how it was made", () => {
    const made = compile(network(), { composite: "epsilon-plus-flat", topK: 0.5, sourceSha256: "abc" });
    const model = readModel(concatChunks(writeModel(made.model).chunks));
    const found = inspect(model);
    expect(found.explanation).toMatchObject({
      composite: "epsilon-plus-flat",
      input: "x",
      output: "y",
      "source-sha256": "abc",
    });
    expect(JSON.parse(found.explanation?.["options"] ?? "")).toMatchObject({ topK: 0.5, seed: "logit" });
    expect(found).toMatchObject({ plan: null, nodes: [], canCompile: false });
    expect(inspectionText(found)).toContain("composite      epsilon-plus-flat");
  });
});

it("prints a table, obstacles and alternatives", () => {
  expect(inspectionText(inspect(twoHeads()))).toMatchInlineSnapshot(`
    "model        opset 17, test 1, 9 nodes, 78 parameters
    inputs       x float32[N, 8]
    outputs      hard float32[N, 3], easy float32[N, 2]
    explains     output "hard" from input "x"
    read as      "hard": scores: 3 numbers without a final softmax or sigmoid, and no class names (axis 0: samples, axis 1: numbers, value)
    read as      "easy": scores: 2 numbers without a final softmax or sigmoid, and no class names (axis 0: samples, axis 1: numbers, value)
    composite    epsilon-plus, seed logit, strides exact

       node         operator  canonical form  output  rule     why
    ✓  dense        Gemm                      [N, 6]  epsilon  epsilon-plus, dense
    ✓  relu         Relu                      [N, 6]  pass     epsilon-plus, activation
    ✗  winner       Hardmax                   [N, 6]  refused  it is a step, and a step has no slope to send relevance along
    ✗  round        Round                     [N, 6]  refused  it is a step, and a step has no slope to send relevance along
    ✗  gate         Mul                       [N, 6]  refused  none of its factors comes from a sigmoid or softmax, so which is the gate is not known: share between them (--rule 'gate=uniform')
    ✓  last         Gemm                      [N, 3]  epsilon  epsilon-plus, dense
    ✓  output hard  Identity  dropped         [N, 3]  pass     its output is its input
    ·  other        Gemm                      [N, 2]           the explained tensor "hard" does not depend on it
    ·  output easy  Identity  dropped         [N, 2]           the explained tensor "hard" does not depend on it

    in the way
      Hardmax "winner" on the way from output "hard" <- last <- gate <- winner
        it is a step, and a step has no slope to send relevance along
        rules that can cross it: pass
      Round "round" on the way from output "hard" <- last <- gate <- round
        it is a step, and a step has no slope to send relevance along
        rules that can cross it: pass
      Mul "gate" on the way from output "hard" <- last <- gate
        none of its factors comes from a sigmoid or softmax, so which is the gate is not known: share between them (--rule 'gate=uniform')
        rules that can cross it: gradient, pass, norm, constant, uniform, deconvnet, guided-backprop, beta-smooth

    alternatives
      --output easy         explains another output of the model
      --output relu         explains the tensor before Hardmax "winner"
      --layer gate          lets relevance stop behind what is in the way
      --rule winner=pass    crosses Hardmax "winner" by pass
      --rule round=pass     crosses Round "round" by pass
      --rule gate=gradient  crosses Mul "gate" by gradient; so could pass, norm, constant, uniform, deconvnet, guided-backprop, beta-smooth
      --fallback pass       sends relevance through all nodes without a rule unchanged

    4 nodes explained, 2 carry no relevance, 3 refused: this model cannot be explained like this, see what is in the way."
  `);
});

it("prints why canonical form kept a node", () => {
  const b = new GraphBuilder();
  const x: Value = b.input("x", "float32", ["N", 4, 5, 5]);
  const norm = batchNorm(b, b.op("Relu", [x], {}, "relu"), 4);
  const pooled = b.op("MaxPool", [norm], { kernel_shape: ints([2, 2]) }, "pool");
  b.output(b.op("Reshape", [pooled, b.constant(int64Tensor([0, -1]), "flat")], {}, "reshape"), "y");
  const text = inspectionText(inspect(modelOf(b.graph("g"))));
  expect(text).toContain(
    'BatchNormalization "BatchNormalization" (fold-affine): it stays a layer of its own',
  );
  expect(text).toMatch(/✓ {2}BatchNormalization +BatchNormalization +Affine/);
  expect(text).toMatch(/5 nodes explained, .*: this model can be explained\.$/);
});
