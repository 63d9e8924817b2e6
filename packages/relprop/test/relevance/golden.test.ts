/** Every run of test/golden through compile and a plain ONNX Runtime session, at the tolerance its README states. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile, type CompileOptions } from "../../src/index.ts";
import {
  float32Tensor,
  int,
  numberAttribute,
  readModel,
  type Attributes,
  type Model,
  type Node,
  type Tensor,
} from "../../src/onnx/index.ts";
import { relativeDistance, runBytes, runModel } from "../support/run.ts";

const root = new URL("../golden/", import.meta.url);

interface Run {
  readonly id: string;
  readonly composite: string;
  readonly options: CompileOptions;
  readonly seed: "softmax" | "logit" | "one";
  readonly target: readonly number[] | null;
  readonly reduce: "none" | "channels";
  readonly expected: string;
  readonly shape: readonly number[];
  readonly float32_noise: number;
  readonly source: string;
}

interface Case {
  readonly input: { readonly name: string; readonly shape: readonly number[]; readonly file: string };
  readonly output: { readonly name: string; readonly shape: readonly number[]; readonly file: string };
  readonly runs: readonly Run[];
}

const floats = (folder: string, file: string): Float32Array => {
  const bytes = readFileSync(new URL(`${folder}/${file}`, root));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};

/**
 * What zennit 0.5.1 explains where a model has batch-norms: its MergeBatchNorm folds them with their ε, but leaves the
 * emptied layer in place with ε unchanged, so that the forward pass shrinks by 1/√(1 + ε) at each. That is beyond the
 * tolerance here, so for its values the model gets what it leaves: a multiplication by a constant that nothing folds
 * (whether its input is a number decides it, so that it is known only at run time). Relevance passes it in zennit's epsilon-… composites and takes its gradient in the
 * others; zennit's gradient itself was run on the model as it is.
 */
function withLeftovers(
  model: Model,
  rule: "pass" | "gradient",
): { model: Model; rules: CompileOptions["rules"] } {
  const initializers = new Map<string, Tensor>(model.graph.initializers);
  let count = 0;
  const nodes = model.graph.nodes.flatMap((node): Node[] => {
    if (node.opType !== "BatchNormalization") return [node];
    const name = `leftover_${count++}`;
    const scale = 1 / Math.sqrt(1 + numberAttribute(node, "epsilon", 1e-5));
    initializers.set(`${name}_factor`, float32Tensor([scale], []));
    initializers.set(`${name}_lowest`, float32Tensor([-3e38], []));
    const [output] = node.outputs as [string];
    const operator = (
      opType: string,
      inputs: string[],
      result: string,
      attributes: Attributes = {},
    ): Node => ({
      name: result === output ? name : result,
      domain: "",
      opType,
      inputs,
      outputs: [result],
      attributes,
    });
    return [
      { ...node, outputs: [`${name}_input`] },
      operator("ReduceMax", [`${name}_input`], `${name}_largest`, { keepdims: int(0) }),
      operator("Greater", [`${name}_largest`, `${name}_lowest`], `${name}_is`),
      operator("Cast", [`${name}_is`], `${name}_one`, { to: int(1) }),
      operator("Mul", [`${name}_one`, `${name}_factor`], `${name}_scale`),
      operator("Mul", [`${name}_input`, `${name}_scale`], output),
    ];
  });
  const rules = count > 0 ? [{ pattern: "leftover_*", rule }] : [];
  return { model: { ...model, graph: { ...model.graph, nodes, initializers } }, rules };
}

const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());

for (const { name: folder } of folders) {
  const golden = JSON.parse(readFileSync(new URL(`${folder}/case.json`, root), "utf8")) as Case;
  const bytes = readFileSync(new URL(`${folder}/model.onnx`, root));
  const input = { data: floats(folder, golden.input.file), dims: golden.input.shape };

  describe(`golden ${folder}`, () => {
    it("keeps its output", async () => {
      const feeds = { [golden.input.name]: input };
      const compiled = compile(readModel(bytes), { composite: "fischer" });
      const [before, after] = [await runBytes(bytes, feeds), await runModel(compiled.model, feeds)];
      const name = golden.output.name;
      const folds = readModel(bytes).graph.nodes.some((node) => node.opType === "BatchNormalization");
      expect(relativeDistance(after[name]!.data, before[name]!.data)).toBeLessThanOrEqual(folds ? 2e-6 : 0);
      expect(relativeDistance(after[name]!.data, floats(folder, golden.output.file))).toBeLessThan(2e-6);
    });

    it.each(golden.runs.map((run) => [`${run.id} (${run.composite}, ${run.seed})`, run] as const))(
      "%s agrees with the referee",
      async (_title, run) => {
        const source = readModel(bytes);
        const isZennits = run.source.startsWith("zennit") && run.composite !== "gradient";
        const leftoverRule = run.composite.startsWith("epsilon-") ? "pass" : "gradient";
        const { model, rules } = isZennits
          ? withLeftovers(source, leftoverRule)
          : { model: source, rules: [] };
        const compiled = compile(model, {
          ...run.options,
          rules: rules ?? [],
          composite: run.composite,
          seed: run.seed,
          reduce: run.reduce,
        });
        const [samples = 1, classes = 1] = golden.output.shape;
        const target = new Float32Array(samples * classes);
        for (const [sample, index] of (run.target ?? []).entries()) target[sample * classes + index] = 1;
        const feeds = { [golden.input.name]: input };
        const results = await runModel(compiled.model, {
          ...feeds,
          ...(run.target ? { target: { data: target, dims: golden.output.shape } } : {}),
        });
        const expected = floats(folder, run.expected);
        expect(results["relevance"]?.dims).toEqual(run.shape);
        const tolerance = Math.max(2e-5, 20 * run.float32_noise);
        expect(relativeDistance(results["relevance"]!.data, expected)).toBeLessThanOrEqual(tolerance);
      },
    );
  });
}
