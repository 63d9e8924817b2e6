import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chooseExplanation, compile, inspect, readAnswer, type ExplanationChoice } from "@relprop/core";
import { readModel, writeModel } from "@relprop/core/onnx";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { runCommand } from "../src/commands/run-command.ts";
import { inspectionSchema, jsonSchemaOf, schemas } from "../src/commands/schemas.ts";

const golden = fileURLToPath(new URL("../../relprop/test/golden/resnet-bn/model.onnx", import.meta.url));
let folder: string;
let stdout: string;
let stderr: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-inspect-"));
  const model = readModel(readFileSync(golden));
  const nodes = model.graph.nodes.map((node) =>
    node.opType === "Relu" ? Object.assign({}, node, { opType: "Ceil" }) : node,
  );
  const graph = { ...model.graph, nodes };
  writeFileSync(join(folder, "steps.onnx"), Buffer.concat(writeModel({ ...model, graph }).chunks));
  const compiled = compile(model, { composite: "flat" });
  writeFileSync(join(folder, "compiled.onnx"), Buffer.concat(writeModel(compiled.model).chunks));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  [stdout, stderr] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => (stdout += String(text)) !== "");
  vi.spyOn(process.stderr, "write").mockImplementation((text) => (stderr += String(text)) !== "");
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("inspect", () => {
  test("prints every node with its rule", async () => {
    expect(await runCommand(["inspect", golden, "--composite", "epsilon-plus-flat"])).toBe(0);
    expect(stdout).toMatch(/^✓ {2}\/stem\/stem\.0\/Conv +Conv +\[batch, 8, 16, 16\] +flat +/m);
    expect(stdout).toMatch(/folded into Conv "\/stem\/stem\.0\/Conv"/);
    expect(stdout).toMatch(/this model can be explained\.\n$/);
    expect(stderr).toBe("");
  });

  test("exits with 3 where compile would fail, after it has printed all", async () => {
    expect(await runCommand(["inspect", join(folder, "steps.onnx")])).toBe(3);
    expect(stdout).toMatch(/^✗ .*Ceil/m);
    expect(stdout).toContain("alternatives");
    expect(stdout).toContain("--output");
    expect(await runCommand(["inspect", golden, "--rule", "cnov=flat"])).toBe(3);
    expect(stdout).toContain("used nowhere");
  });

  test("exits with 2 for an option that is wrong and 4 for a model that is none", async () => {
    expect(await runCommand(["inspect", golden, "--output", "nowhere"])).toBe(2);
    expect(stderr).toContain('no output "nowhere"');
    expect(await runCommand(["inspect", join(folder, "missing.onnx")])).toBe(4);
    expect(stdout).toBe("");
  });

  test("tells of a compiled explanation how it was made", async () => {
    expect(await runCommand(["inspect", join(folder, "compiled.onnx")])).toBe(0);
    expect(stdout).toMatch(/composite +flat/);
  });

  test.each(["resnet", "steps.onnx", "compiled.onnx"])(
    "prints %s as JSON that fits the schema",
    async (name) => {
      const path = name === "resnet" ? golden : join(folder, name);
      await runCommand(["inspect", path, "--json"]);
      const printed: unknown = JSON.parse(stdout);
      expect(inspectionSchema.parse(printed)).toEqual(printed);
      const model = readModel(readFileSync(path));
      const isCompiled = name === "compiled.onnx";
      const choice = isCompiled ? {} : chooseExplanation(readAnswer(model), { isTarget: false });
      const { composite, seed, topK } = choice as Partial<ExplanationChoice>;
      expect(printed).toEqual(
        inspect(model, { ...(composite && { composite }), ...(seed && { seed }), topK: topK ?? 0 }),
      );
    },
  );
});

test.each(Object.entries(schemas))("schema/%s.schema.json is up to date", (name, schema) => {
  const file = new URL(`../schema/${name}.schema.json`, import.meta.url);
  if (process.env["UPDATE"] === "1") {
    mkdirSync(new URL("../schema/", import.meta.url), { recursive: true });
    writeFileSync(file, jsonSchemaOf(schema));
  }
  const hint = "regenerate it: UPDATE=1 npx vitest run packages/cli/test/inspect";
  // Not the text: the formatter writes short lists on one line.
  expect(JSON.parse(readFileSync(file, "utf8")), hint).toEqual(JSON.parse(jsonSchemaOf(schema)));
});
