/** An option with a typing error is an error, also where no type checker looks. */

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import {
  compile,
  compileMethod,
  conceptHeatmaps,
  Explainer,
  type FloatArray,
  inspect,
  occlusion,
  readAnswer,
  type CompileOptions,
  type MethodOptions,
  type OcclusionOptions,
  type RunOptions,
} from "../src/index.ts";
import { readModel } from "../src/onnx/index.ts";

const model = readModel(readFileSync(new URL("./golden/convnet/model.onnx", import.meta.url)));
const wrong = { compsite: "epsilon-plus" } as CompileOptions;
const input = { data: new Float32Array(3 * 32 * 32), dims: [1, 3, 32, 32] };

describe("an option that does not exist", () => {
  test.each([
    ["compile", () => compile(model, wrong)],
    ["compile", () => inspect(model, wrong)],
    ["compile", () => readAnswer(model, wrong)],
    ["compile", () => new Explainer({ ort, model, ...wrong })],
  ])("is refused, and the nearest one named: %s", (_name, run) => {
    expect(run).toThrow(/^compile has no option "compsite": .*; did you mean "composite"\?$/);
  });

  test.each(["epsilom", "topk", "Layer", "seeds", "ledgers", "targets", "reduces", "outputkind"])(
    "%s is refused",
    (name) => {
      expect(() => compile(model, { [name]: undefined } as CompileOptions)).not.toThrow();
      expect(() => compile(model, { [name]: 1 } as CompileOptions)).toThrow(/did you mean "\w+"\?$/);
    },
  );

  test("is refused by methods, by runs and by what runs a model many times", async () => {
    const steps = { method: "integrated-gradients", step: 3 } as MethodOptions;
    expect(() => compileMethod(model, steps)).toThrow('did you mean "steps"?');
    const explainer = new Explainer({ ort, model, concepts: { layer: model.graph.nodes[0]?.name ?? "" } });
    const run = { tarket: 1 } as RunOptions;
    await expect(explainer.explain(input, run)).rejects.toThrow('did you mean "target"?');
    await expect(conceptHeatmaps(explainer, input, run)).rejects.toThrow('did you mean "target"?');
    const options = { run: (x: FloatArray) => Promise.resolve(x), input, target: 0, patch: 8, strid: 4 };
    await expect(occlusion(options as OcclusionOptions)).rejects.toThrow('did you mean "stride"?');
    await explainer.dispose();
  });
});
