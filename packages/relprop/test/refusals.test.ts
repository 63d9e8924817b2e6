/** No refusal names a cause that is none: the named nodes are all that stands in the way, and each way on leads on. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile, inspect, UnexplainableError } from "../src/index.ts";
import { readModel, type Model, type Node } from "../src/onnx/index.ts";
import { libraryOptions } from "./support/command-options.ts";

const golden = new URL("./golden/", import.meta.url);
const cases = new URL("./cases/networks/", import.meta.url);

const modelsIn = (folder: URL): [string, Model][] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".onnx"))
    .map((path) => [path, readModel(readFileSync(new URL(path, folder)))]);

/** Operators that nothing crosses, and that keep shapes. */
const steps = ["Round", "Ceil", "Floor", "Sign", "Hardmax", "Bernoulli"];

/** The network with some of its ReLUs as steps; undefined if it has none. */
function obstructed(
  model: Model,
  parts: readonly number[],
  opType: string = "Round",
): [Model, readonly Node[]] | undefined {
  const rectifiers = model.graph.nodes.filter((node) => node.opType === "Relu");
  const chosen = new Set(parts.map((part) => rectifiers[Math.floor(part * (rectifiers.length - 1))]));
  if (rectifiers.length === 0) return undefined;
  const nodes = model.graph.nodes.map((node) => (chosen.has(node) ? { ...node, opType } : node));
  return [{ ...model, graph: { ...model.graph, nodes } }, nodes.filter((node) => node.opType === opType)];
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

const networks = modelsIn(golden);

/** One network with these operators in these places, under a name. */
function obstructedNetworks(
  places: readonly (readonly number[])[],
  opTypes: readonly string[],
): (readonly [string, Model, readonly Node[]])[] {
  return networks.flatMap(([name, model]) =>
    places.flatMap((parts) =>
      opTypes.flatMap((opType) => {
        const made = obstructed(model, parts, opType);
        return made ? [[`${name}, ${opType} at ${parts.join(" and ")}`, ...made] as const] : [];
      }),
    ),
  );
}

describe("a step in a network", () => {
  const cases = [
    ...obstructedNetworks([[0], [0.5], [1]], ["Round"]),
    ...obstructedNetworks([[0.5]], steps.slice(1)),
    ...obstructedNetworks(
      [
        [0, 0.5],
        [0.5, 1],
        [0, 1],
      ],
      ["Floor"],
    ),
  ];
  it.each(cases)("%s", (_name, model, made) => {
    const { obstacles, problems, alternatives } = inspect(model, { composite: "epsilon-plus" });
    expect(obstacles.map(({ node }) => node)).toEqual(made.map(({ name }) => name));
    expect(problems).toEqual([]);
    expect(alternatives.length).toBeGreaterThan(0);
    expectWaysOn(model);
  });

  it.each(obstructedNetworks([[0.5], [0, 1]], ["Floor"]))(
    "is named by the error, which offers only what leads on: %s",
    (_name, model, made) => {
      const error = refusalOf(model);
      expect(error.obstacles.map(({ node }) => node)).toEqual(made.map(({ name }) => name));
      // Rules are offered together, each other way alone.
      const offered = Array.from(
        (error.fix ?? "").matchAll(/\(((?:--[a-z]+ (?:'[^']*'|[^\s),]+)[, ]*)+)\)/g),
        ([, all = ""]) => all,
      );
      expect(offered.length).toBeGreaterThan(0);
      for (const group of offered) {
        const options = Array.from(group.matchAll(/--[a-z]+ (?:'[^']*'|[^\s),]+)/g), ([option]) =>
          libraryOptions(option),
        );
        const rules = options.flatMap((option) => option.rules ?? []);
        const ways = rules.length > 0 ? [{ rules }] : options;
        for (const way of ways)
          expect(inspect(model, { composite: "epsilon-plus", ...way }).canCompile, group).toBe(true);
      }
    },
  );
});

function refusalOf(model: Model): UnexplainableError {
  try {
    compile(model, { composite: "epsilon-plus" });
  } catch (error) {
    if (error instanceof UnexplainableError) return error;
    throw error;
  }
  throw new Error("nothing is refused");
}

it("what is refused of the networks that users brought has ways that lead on", () => {
  for (const [, model] of modelsIn(cases)) {
    const { canCompile } = inspect(model, { composite: "epsilon-plus" });
    if (!canCompile) expectWaysOn(model);
  }
});
