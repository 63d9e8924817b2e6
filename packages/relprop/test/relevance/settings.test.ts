/** Options, rules as text, dialects and composites from JSON: what is understood, and what is said about the rest. */

import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  compile,
  compositeNames,
  dialectNames,
  dialectText,
  layerKinds,
  OptionError,
  parseComposite,
  ruleNames,
  ruleText,
  type Composite,
  type CompileOptions,
  type RuleChoice,
} from "../../src/index.ts";
import { parseRule } from "../../src/relevance/rule-choice.ts";
import { float32Tensor, GraphBuilder, int, ints, type Model } from "../../src/onnx/index.ts";
import { composites, seeds } from "../../src/relevance/composites.ts";
import { strideModes } from "../../src/relevance/stride-modes.ts";
import { valuesOf } from "../../src/relevance/rule-choice.ts";
import { optionsOf, type RuleOptions } from "../../src/relevance/rules/index.ts";
import { settle } from "../../src/relevance/settings.ts";
import { randomNumbers, runModel } from "../support/run.ts";

/** conv – relu – flatten – gemm */
function model(): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 2, 3, 3]);
  const kernel = b.constant(float32Tensor(randomNumbers(16, 1), [2, 2, 2, 2]), "kernel");
  const weights = b.constant(float32Tensor(randomNumbers(24, 2), [8, 3]), "weights");
  const bias = b.constant(float32Tensor(randomNumbers(3, 3), [3]), "bias");
  const conv = b.op("Conv", [x, kernel], { kernel_shape: ints([2, 2]) }, "conv");
  const flat = b.op("Flatten", [b.op("Relu", [conv], {}, "relu")], { axis: int(1) }, "flatten");
  b.output(b.op("Gemm", [flat, weights, bias], {}, "head"), "logits");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("net") };
}

/** The message of the OptionError that is thrown. */
function complaint(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof OptionError) return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const head = (rule: string): CompileOptions => ({ rules: [{ pattern: "head", rule }] });

describe("options that are refused", () => {
  it.each<[CompileOptions, string]>([
    [
      { composite: "alpha-beta", alpha: 2, beta: 2 },
      "cannot use the rule alpha-beta (alpha 2, beta 2): relevance is conserved only if alpha and beta are not negative and alpha − beta = 1; choose for example alpha 2 and beta 1",
    ],
    [
      { composite: "alpha-beta", alpha: -1, beta: -2 },
      "alpha cannot be -1 (alpha): it takes a number that is not negative",
    ],
    [
      { composite: "gamma", gamma: -0.5 },
      "gamma cannot be -0.5 (gamma): it takes a number that is not negative",
    ],
    [{ epsilon: -1 }, "epsilon cannot be -1 (epsilon): it takes a number that is not negative"],
    [{ epsilon: Number.NaN }, "epsilon cannot be NaN (epsilon): it takes a number that is not negative"],
    [
      { composite: "epsilon-gamma-box" },
      "cannot use the rule zbox: it needs the smallest and the largest value that an input can have; give --low and --high, as the network sees them after preprocessing",
    ],
    [
      { composite: "epsilon-gamma-box", low: 1, high: [2, 0.5] },
      "cannot use the rule zbox (low 1, high 2, 0.5): low must lie below high in every channel; give one number, or one for each channel, as the network sees them after preprocessing",
    ],
    [
      { composite: "epsilon-gamma-box", low: [-1, -1, -1], high: 1 },
      "cannot use 3 bounds (x [N, 2, 3, 3]): it has 2 channels; give one number, or 2",
    ],
    [
      { composite: "epsilon-plus", gamma: 0.1 },
      "nothing uses gamma (composite epsilon-plus): it is an option of gamma; leave it out, or choose a composite or a rule that uses it",
    ],
    [
      { dialect: "captun" as "captum" },
      'dialect cannot be "captun": it is one of captum, innvestigate, lxt; did you mean "captum"?',
    ],
    [
      { stabilizer: "nrom" as "norm" },
      'stabilizer cannot be "nrom" (stabilizer): it is one of add, clip, norm, norm-clip, unsigned, zero; did you mean "norm"?',
    ],
    [
      { topK: 2 },
      "top-k cannot be 2: it is the fraction of relevance values that are kept, from 0 to 1; 0.02 keeps 2 %, 0 turns the filter off",
    ],
    [head("zpluss"), `there is no rule "zpluss": rules are ${ruleNames.join(", ")}; did you mean "zplus"?`],
    [
      head("gama(gamma=1)"),
      `there is no rule "gama" (gama(gamma=1)): rules are ${ruleNames.join(", ")}; did you mean "gamma"?`,
    ],
    [
      head("gamma(gama=1)"),
      'the rule gamma has no option "gama" (gamma(gama=1)): its options are epsilon, stabilizer, gamma, bias, split; did you mean "gamma"?',
    ],
    [head("pass(gamma=1)"), 'the rule pass has no option "gamma" (pass(gamma=1)): it takes none'],
    [head("gamma:-1"), "gamma cannot be -1 (gamma:-1): it takes a number that is not negative"],
    [head("gamma:much"), 'gamma cannot be "much" (gamma:much): it takes a number that is not negative'],
    [head("zplus(bias=maybe)"), 'bias cannot be "maybe" (zplus(bias=maybe)): it is one of 0, 1, whole'],
    [
      head("zplus(bias)"),
      'cannot read the rule "zplus(bias)": "bias" is not option=value; write for example gamma:0.1 or zplus(bias=0)',
    ],
    [
      head("alpha-beta:2"),
      'cannot read the rule "alpha-beta:2": alpha-beta has no single number to set; write for example gamma:0.1 or zplus(bias=0)',
    ],
  ])("%o", (options, message) => {
    expect(complaint(() => compile(model(), options))).toBe(message);
  });

  it("names the nearest composite", () => {
    expect(complaint(() => settle({ composite: "epsilon-gama-box" }))).toContain(
      'did you mean "epsilon-gamma-box"?',
    );
  });
});

/** Any value that an option takes. */
const value = (option: keyof RuleOptions): fc.Arbitrary<unknown> => {
  const values = valuesOf[option];
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  if (values === "bounds") return fc.oneof(number, fc.array(number, { minLength: 2, maxLength: 4 }));
  if (values === "numbers from 0 on") return fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
  return fc.constantFrom(...values);
};

describe("rules as text", () => {
  const choice: fc.Arbitrary<RuleChoice> = fc.constantFrom(...ruleNames).chain((rule) =>
    fc
      .record(Object.fromEntries(optionsOf[rule].map((option) => [option, value(option)])), {
        requiredKeys: [],
      })
      .map((options): RuleChoice => Object.assign({ rule }, options)),
  );

  it("are read back as they were", () => {
    fc.assert(
      fc.property(choice, (given) => {
        // The sign of −0 means nothing here, and text does not keep it.
        const plain = JSON.parse(JSON.stringify(given)) as RuleChoice;
        expect(parseRule(ruleText(plain))).toEqual(plain);
      }),
    );
  });

  it.each<[string, RuleChoice]>([
    ["zplus", { rule: "zplus" }],
    ["gamma:0.1", { rule: "gamma", gamma: 0.1 }],
    ["zplus( bias = 0 , epsilon=1e-5 )", { rule: "zplus", bias: false, epsilon: 1e-5 }],
    ["epsilon(epsilon=0.1,stabilizer=norm)", { rule: "epsilon", epsilon: 0.1, stabilizer: "norm" }],
    ["zbox(low=-2.1/-2/-1.8, high=3)", { rule: "zbox", low: [-2.1, -2, -1.8], high: 3 }],
    ["gamma(split=weights,bias=whole)", { rule: "gamma", split: "weights", bias: "whole" }],
    ["beta-smooth:5", { rule: "beta-smooth", beta: 5 }],
  ])("%s", (text, expected) => {
    expect(parseRule(text)).toEqual(expected);
  });
});

describe("what goes before what", () => {
  it("a composite before a dialect, the user before both", () => {
    const dialect = "captum";
    const { rules } = settle({ composite: "epsilon-alpha2-beta1", dialect });
    expect(rules.convolution).toEqual({
      rule: "alpha-beta",
      alpha: 2,
      beta: 1,
      split: "weights",
      bias: "whole",
      epsilon: 1e-9,
    });
    expect(settle({ composite: "fischer", dialect }).rules.convolution).toMatchObject({
      epsilon: 1e-5,
      bias: false,
    });
    expect(settle({ composite: "gamma", dialect, epsilon: 0.5 }).rules.dense).toMatchObject({ epsilon: 0.5 });
    expect(settle({ dialect, epsilon: 0.5 }).rules.sum).toEqual({ rule: "norm", epsilon: 1e-9 });
  });

  it("ε = 0 is none at all, also in sums, averages and normalisations, whatever else is said of them", () => {
    for (const options of [{}, { composite: "fischer" }, { composite: "attnlrp", dialect: "lxt" }] as const) {
      const { rules } = settle({ ...options, epsilon: 0 });
      for (const kind of ["dense", "sum", "average", "normalization", "product"] as const)
        expect(rules[kind]).toMatchObject({ epsilon: 0 });
    }
  });

  it("the text of an override before the options, the options before the dialect", () => {
    const { overrides } = settle({
      dialect: "captum",
      epsilon: 0.5,
      rules: [
        { pattern: "a", rule: "gamma:0.1" },
        { pattern: "b", rule: "epsilon:0.25" },
      ],
    });
    expect(overrides[0]?.choice).toEqual({
      rule: "gamma",
      gamma: 0.1,
      epsilon: 0.5,
      split: "weights",
      bias: "whole",
    });
    expect(overrides[1]?.choice).toEqual({ rule: "epsilon", epsilon: 0.25 });
  });

  it("bounds given once reach a rule of the user's", () => {
    const compiled = compile(model(), { low: -1, high: 1, rules: [{ pattern: "first", rule: "zbox" }] });
    expect(compiled.plan.find(({ node }) => node === "conv")?.rule).toBe("zbox(low=-1, high=1)");
  });

  it("every dialect says what it does, in rules that can be read back", () => {
    for (const name of dialectNames) {
      const lines = dialectText(name).split("\n").slice(1);
      const rules = lines.map((line) => line.trim().split(": ").at(-1) as string);
      for (const rule of rules) expect(ruleText(parseRule(rule))).toBe(rule);
    }
  });

  it("a dialect's exceptions are for their kind of layer, and before composite and user", () => {
    const { rules } = settle({ composite: "attnlrp", dialect: "lxt" });
    expect(rules.sum).toEqual({ rule: "norm", stabilizer: "unsigned", epsilon: 1e-8 });
    expect(rules.normalization).toEqual({ rule: "norm", stabilizer: "unsigned", epsilon: 1e-6 });
    expect(dialectText("lxt")).toContain("\n  normalization: norm(stabilizer=unsigned, epsilon=0.000001)");
    expect(settle({ composite: "attnlrp", dialect: "lxt", stabilizer: "add" }).rules.normalization).toEqual({
      rule: "norm",
      stabilizer: "add",
      epsilon: 1e-6,
    });
  });
});

const mine = {
  name: "mine",
  about: "flat below, γ in the middle",
  extends: "epsilon-plus",
  strides: "average",
  rules: { first: "flat", convolution: { rule: "gamma", gamma: 0.1, bias: false }, dense: "epsilon:0.01" },
};

describe("composites from JSON", () => {
  it("are what they say, and what they extend", () => {
    const composite = parseComposite(mine, "mine.json");
    expect(composite).toMatchObject({ name: "mine", seed: "logit", strides: "average" });
    expect(composite.rules).toEqual({
      ...composites["epsilon-plus"].rules,
      first: { rule: "flat" },
      convolution: { rule: "gamma", gamma: 0.1, bias: false },
      dense: { rule: "epsilon", epsilon: 0.01 },
    });
  });

  it("can stand alone", () => {
    const composite = parseComposite({ rules: { convolution: "zplus", dense: "epsilon" } });
    expect(composite.name).toBe("custom");
    expect(composite.rules).toEqual(composites["epsilon-plus"].rules);
  });

  it("are composites that can be read again", () => {
    const composite = parseComposite(mine);
    expect(parseComposite(JSON.parse(JSON.stringify(composite)))).toEqual(composite);
  });

  it("are accepted where a name is", async () => {
    const own: Composite = parseComposite({ name: "own", extends: "epsilon-plus" });
    const x = { data: randomNumbers(18, 5), dims: [1, 2, 3, 3] };
    const target = { data: Float32Array.of(0, 1, 0), dims: [1, 3] };
    const [ours, theirs] = [
      compile(model(), { composite: own }),
      compile(model(), { composite: "epsilon-plus" }),
    ];
    const [a, c] = [await runModel(ours.model, { x, target }), await runModel(theirs.model, { x, target })];
    expect(a["relevance"]).toEqual(c["relevance"]);
    expect(ours.settings.composite).toBe("own");
    expect(ours.model.metadata["relprop.composite"]).toBe("own");
  });

  it.each<[unknown, string]>([
    [[], "cannot read the composite (mine.json): it is not an object"],
    [
      { rules: {}, stride: "exact" },
      'a composite has no "stride" (mine.json): there are $schema, name, about, source, extends, seed, strides, rules; did you mean "strides"?',
    ],
    [
      { rules: { convolutions: "zplus" } },
      `there are no layers of the kind "convolutions" (mine.json): there are ${Object.keys(layerKinds).join(", ")}, stride>=NUMBER, depth>=NUMBER; did you mean "convolution"?`,
    ],
    [
      { rules: { convolution: "zplus" } },
      'the composite is not complete (mine.json): it has no rule for dense layers; name one, or start from another composite: "extends": "epsilon-plus"',
    ],
    [
      { extends: "epsilon-plus", rules: { dense: { rule: "gamma", gama: 1 } } },
      'the rule gamma has no option "gama" (mine.json, dense): its options are epsilon, stabilizer, gamma, bias, split; did you mean "gamma"?',
    ],
    [
      { extends: "epsilon-plus", rules: { dense: { rule: "gamma", gamma: "1" } } },
      'gamma cannot be "1" (mine.json, dense): it takes a number that is not negative',
    ],
    [
      { extends: "epsilon-plus", rules: { dense: { rule: "zbox", low: [] } } },
      "low cannot be [] (mine.json, dense): it takes a number, or one for each channel",
    ],
    [
      { extends: "epsilon-plus", rules: { dense: "gamma(gama=1)" } },
      'the rule gamma has no option "gama" (mine.json, dense: gamma(gama=1)): its options are epsilon, stabilizer, gamma, bias, split; did you mean "gamma"?',
    ],
    [
      { extends: "epsilon-plus", rules: { dense: { gamma: 1 } } },
      'cannot read the rule {"gamma":1} (mine.json, dense): it is neither text nor an object with the text "rule"; write for example "gamma:0.1" or {"rule": "gamma", "gamma": 0.1}',
    ],
    [
      { extends: "epsilon-pluss" },
      `extends of the composite cannot be "epsilon-pluss" (mine.json): it is one of ${compositeNames.join(", ")}; did you mean "epsilon-plus"?`,
    ],
    [
      { name: "fischer", extends: "epsilon-plus" },
      'a composite cannot be named "fischer" (mine.json): relprop has one of that name; choose another',
    ],
    [{ extends: "epsilon-plus", seed: 1 }, "seed of the composite cannot be 1 (mine.json): it is text"],
  ])("%o", (json, message) => {
    expect(complaint(() => parseComposite(json, "mine.json"))).toBe(message);
  });

  it("have a schema that knows what the code knows", () => {
    const file = new URL("../../schema/composite.schema.json", import.meta.url);
    const schema = JSON.parse(readFileSync(file, "utf8"));
    expect(schema.properties.extends.enum).toEqual(compositeNames);
    expect(schema.properties.seed.enum).toEqual([...seeds]);
    expect(schema.properties.strides.enum).toEqual([...strideModes]);
    expect(Object.keys(schema.properties.rules.properties)).toEqual(Object.keys(layerKinds));
    const { rule, ...options } = schema.$defs.choice.oneOf[1].properties;
    expect(rule.enum).toEqual(ruleNames);
    expect(Object.keys(options)).toEqual(Object.keys(valuesOf));
    for (const [option, values] of Object.entries(valuesOf)) {
      if (values === "bounds") expect(options[option].$ref).toBe("#/$defs/bounds");
      else if (values === "numbers from 0 on")
        expect(options[option]).toMatchObject({ type: "number", minimum: 0 });
      else expect(options[option].enum).toEqual([...values]);
    }
  });
});
