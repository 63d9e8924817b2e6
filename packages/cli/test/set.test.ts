/** `--set`: inputs of a model that are fixed, in every command that takes a model. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { npyFile } from "@relprop/core/heatmap";
import { readModel } from "@relprop/core/onnx";
import { describe, expect, test } from "vitest";
import { nodeOf } from "../../relprop/test/canonicalize/subgraphs.ts";
import { branch, ifOf, modelFrom, scalar, valueOf } from "../../relprop/test/support/control-flow.ts";
import { loadArrayModel } from "../src/models/load-model.ts";
import { loadSource } from "../src/studio-server/load-source.ts";
import { cat, Workshop, type CommandRun } from "./support/output-runs.ts";

const shop = new Workshop();
const rate = fileURLToPath(new URL("../../relprop/test/cases/networks/if-on-rate.onnx", import.meta.url));

/** A picture's classes, of which a switch turns the sign, in a tensor of one number. */
const switched = modelFrom(
  [valueOf("image", [1, 3, 8, 8]), valueOf("night", [1], "bool")],
  [valueOf("y", [1, 3])],
  [
    ifOf(
      "night",
      "seen",
      branch("a", [nodeOf("Neg", ["image"], ["a"])]),
      branch("c", [nodeOf("Identity", ["image"], ["c"])]),
    ),
    nodeOf("GlobalAveragePool", ["seen"], ["mean"]),
    nodeOf("Flatten", ["mean"], ["flat"]),
    nodeOf("Mul", ["flat", "k"], ["y"]),
  ],
  { k: scalar(10) },
);

/** The explained number of the first answer. */
const logit = ({ stdout, stderr }: CommandRun): number => {
  const [first = "{}"] = stdout.trim().split("\n");
  const found = (JSON.parse(first) as { readonly logit?: number }).logit;
  if (found === undefined) throw new Error(stdout + stderr);
  return found;
};

describe("--set", () => {
  test("explains arrays with a rate, and again with another", async () => {
    const input = await shop.file("x.npy", npyFile(Float32Array.of(1, -2), [1, 2]));
    const logits = [];
    for (const sr of [16000, 8000]) {
      const run = await shop.run(
        "explain",
        input,
        "-m",
        rate,
        "--set",
        `sr=${sr}`,
        "--json",
        "--output-kind",
        "classes",
      );
      expect(run.status, run.stderr).toBe(0);
      logits.push(logit(run));
    }
    expect(logits[0]).not.toBeCloseTo(logits[1] ?? 0);
    // Results of one rate are none of the other.
    const loaded = await Promise.all([16000, 8000].map((sr) => loadArrayModel(rate, { set: { sr } })));
    expect(new Set(loaded.map(({ id }) => id)).size).toBe(2);
  });

  test("explains pictures that need a switch besides", async () => {
    const model = await shop.model(switched, "switched");
    const lacking = await shop.run("explain", cat, "-m", model);
    expect(lacking.status).toBe(2);
    expect(lacking.stderr).toContain("fix it with --set night=VALUE, or give it with --feed night=FILE");
    for (const night of ["true", "False", "1"]) {
      const run = await shop.run("explain", cat, "-m", model, "--set", `night=${night}`, "--quiet");
      expect(run.status, run.stderr).toBe(0);
    }
  });

  test("compiles and inspects", async () => {
    const compiled = await shop.run("compile", rate, "--set", "sr=8000", "--composite", "epsilon");
    expect(compiled.status, compiled.stderr).toBe(0);
    const { graph, metadata } = readModel(await readFile(join(compiled.folder, "out.onnx")));
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x", "target"]);
    expect(metadata["relprop.options"]).toContain('"set":{"sr":8000}');
    const inspected = await shop.run("inspect", rate, "--set", "sr=8000");
    expect(inspected.status).toBe(0);
    const method = await shop.run("compile", rate, "--set", "sr=8000", "--method", "input-x-gradient");
    expect(method.status, method.stderr).toBe(0);
  });

  test("is asked for in texts' models, and in the studio", async () => {
    const model = await shop.model(switched, "switched");
    const known = { appFolder: "", given: [model] };
    const source = { kind: "zoo", name: "switched.onnx" } as const;
    expect((await loadSource(source, known)).model.graph.inputs).toHaveLength(2);
    const fixed = await loadSource(source, { ...known, set: { night: true } });
    expect(fixed.model.graph.inputs.map(({ name }) => name)).toEqual(["image"]);
  });

  test.each([
    ["rate=1", 'no input of that name; its inputs are "x" float32 [1, 2], "sr" int64 []'],
    ["sr=1.5", "1.5 is none"],
    ["sr=true", "true is none"],
    ["sr=1,2", "it takes 1 number, and 2 are given"],
    ["x=1,2", "no input that could be explained would be left"],
    ["sr", "It must be INPUT=VALUE, such as sr=16000."],
    ["sr=fast", "It must be a number."],
  ])("%s is refused", async (set, message) => {
    for (const command of ["inspect", "compile"]) {
      const run = await shop.run(command, rate, "--set", set);
      expect(run.status).toBe(2);
      expect(run.stderr).toContain(message);
    }
    const input = await shop.file("x.npy", npyFile(Float32Array.of(1, -2), [1, 2]));
    const run = await shop.run("explain", input, "-m", rate, "--set", set);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(message);
  });
});
