/** Cells that are missing: fed to models that replace them, refused elsewhere. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readModel } from "@relprop/core/onnx";
import { replacesMissing } from "@relprop/core/internal";
import { glob } from "tinyglobby";
import { describe, expect, test } from "vitest";
import { NetBuilder } from "../../../relprop/test/support/output-models.ts";
import type { Value } from "../../../relprop/src/onnx/index.ts";
import { Workshop } from "../support/output-runs.ts";

const shop = new Workshop();
const sklearn = (name: string): string =>
  fileURLToPath(new URL(`../../../relprop/test/sklearn/${name}`, import.meta.url));

/** The means that SimpleImputer learned, by its node in the file. */
async function imputed(): Promise<readonly number[]> {
  const { graph } = readModel(await readFile(sklearn("imputed-network.onnx")));
  const values = graph.nodes[0]?.attributes["imputed_value_floats"];
  return values?.type === "floats" ? values.value : [];
}

/** The cells of the first row that was explained, by the names of columns. */
async function rowOf(folder: string): Promise<Record<string, string>> {
  const [head = "", row = ""] = (await readFile(`${folder}/x.relevance.csv`, "utf8")).split("\n");
  const cells = row.split(",");
  return Object.fromEntries(head.split(",").map((name, i) => [name, cells[i] ?? ""]));
}

describe("a network behind scikit-learn's SimpleImputer", () => {
  test.each(["", "NaN", "nan", " "])(
    "a cell “%s” is the mean that it learned, and has no relevance",
    async (cell) => {
      const means = await imputed();
      const { "imputed-network": expected } = JSON.parse(
        await readFile(sklearn("expected.json"), "utf8"),
      ) as Record<string, { x: number[][] }>;
      const row = expected?.x[0] ?? [];
      const names = row.map((_, i) => `f${i}`);
      const table = (missing: string): string =>
        `${names.join(",")}\n${[row, row]
          .map((each) =>
            each
              .with(1, 0)
              .map((n, i) => (i === 1 ? missing : n))
              .join(","),
          )
          .join("\n")}\n`;
      const found = [];
      for (const missing of [cell, String(means[1])]) {
        await shop.file("x.csv", table(missing));
        const run = await shop.run(
          "explain",
          shop.path("x.csv"),
          "-m",
          sklearn("imputed-network.onnx"),
          "--save",
          "svg",
        );
        expect(run.status, run.stderr).toBe(0);
        found.push(await rowOf(run.folder));
        const [figure = "none"] = await glob("*.svg", { cwd: run.folder, absolute: true });
        const svg = await readFile(figure, "utf8");
        expect(svg).not.toMatch(/NaN|Infinity/);
      }
      const [got = {}, wanted = {}] = found;
      expect(Number(got["f1"])).toBe(0);
      for (const name of ["start", ...names.filter((each) => each !== "f1")])
        expect(Number(got[name])).toBeCloseTo(Number(wanted[name]), 5);
    },
  );

  test("methods that multiply by the input refuse it, and so does a model without imputer", async () => {
    const names = Array.from({ length: 10 }, (_, i) => `f${i}`).join(",");
    const path = await shop.file("gap.csv", `${names}\n1,2,3,4,5,6,7,8,9,10\n1,,3,4,5,6,7,8,9,10\n`);
    const refused = await shop.run(
      ...(["explain", path, "-m", sklearn("imputed-network.onnx"), "--method", "input-x-gradient"] as [
        string,
        ...string[],
      ]),
    );
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('column "f1" is empty');
  });
});

test.each<[string, boolean, (b: NetBuilder, x: Value) => Value]>([
  [
    "x where it is NaN, else a constant",
    false,
    (b, x) => b.op("Where", [b.op("IsNaN", [x]), x, b.scalar(0)]),
  ],
  ["a constant where it is NaN", true, (b, x) => b.op("Where", [b.op("IsNaN", [x]), b.scalar(0), x])],
  [
    "half of it past the imputer",
    false,
    (b, x) => b.op("Add", [x, b.op("Where", [b.op("IsNaN", [x]), b.scalar(0), x])]),
  ],
  [
    "behind a slice",
    true,
    (b, x) => {
      const part = b.slice(x, 1, 0, 3);
      return b.op("Where", [b.op("IsNaN", [part]), b.scalar(0), part]);
    },
  ],
  [
    "where something else is NaN",
    false,
    (b, x) => b.op("Where", [b.op("IsNaN", [b.op("Relu", [x])]), b.scalar(0), x]),
  ],
])("%s: %s", (_name, is, build) => {
  const b = new NetBuilder();
  const x = b.input("x", "float32", ["N", 6]);
  b.output(build(b, x), "y");
  expect(
    replacesMissing(
      { irVersion: 8, opsets: { "": 17 }, producer: "t", metadata: {}, graph: b.graph("t") },
      "x",
    ),
  ).toBe(is);
});
