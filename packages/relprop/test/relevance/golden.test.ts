/** Every run of test/golden through compile and a plain ONNX Runtime session, at the tolerance its README states. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile, type CompileOptions } from "../../src/index.ts";
import { readModel } from "../../src/onnx/index.ts";
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
        const compiled = compile(readModel(bytes), {
          ...run.options,
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
