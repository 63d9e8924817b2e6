/** No refusal names a cause that is none: the named nodes are all that stands in the way, and each way on leads on. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inspect } from "../src/index.ts";
import { readModel, type Model, type Node } from "../src/onnx/index.ts";
import { libraryOptions } from "./support/command-options.ts";

const golden = new URL("./golden/", import.meta.url);
const cases = new URL("./cases/networks/", import.meta.url);

const modelsIn = (folder: URL): [string, Model][] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".onnx"))
    .map((path) => [path, readModel(readFileSync(new URL(path, folder)))]);

/** The network with one of its ReLUs as a step, which nothing crosses; undefined if it has none. */
function obstructed(model: Model, part: number): [Model, Node] | undefined {
  const rectifiers = model.graph.nodes.filter(({ opType }) => opType === "Relu");
  const chosen = rectifiers[Math.floor(part * (rectifiers.length - 1))];
  if (!chosen) return undefined;
  const step: Node = { ...chosen, opType: "Round" };
  const nodes = model.graph.nodes.map((node) => (node === chosen ? step : node));
  return [{ ...model, graph: { ...model.graph, nodes } }, step];
}

function expectWaysOn(model: Model): void {
  const { alternatives, obstacles, problems } = inspect(model, { composite: "epsilon-plus" });
  expect(obstacles.length + problems.length).toBeGreaterThan(0);
  // A rule crosses one node of several.
  const single = alternatives.filter(({ option }) => obstacles.length === 1 || !option.startsWith("--rule"));
  for (const { option } of single)
    expect(inspect(model, { composite: "epsilon-plus", ...libraryOptions(option) }).canCompile, option).toBe(
      true,
    );
}

describe("a step in a network", () => {
  const networks = modelsIn(golden).flatMap(([name, model]) =>
    [0, 0.5, 1].flatMap((part) => {
      const made = obstructed(model, part);
      return made ? [[`${name}, ${part}`, ...made] as const] : [];
    }),
  );
  it.each(networks)("%s", (_name, model, step) => {
    const { obstacles, problems, alternatives } = inspect(model, { composite: "epsilon-plus" });
    expect(obstacles.map(({ node }) => node)).toEqual([step.name]);
    expect(problems).toEqual([]);
    expect(alternatives.length).toBeGreaterThan(0);
    expectWaysOn(model);
  });
});

it("what is refused of the networks that users brought has ways that lead on", () => {
  for (const [, model] of modelsIn(cases)) {
    const { canCompile } = inspect(model, { composite: "epsilon-plus" });
    if (!canCompile) expectWaysOn(model);
  }
});
