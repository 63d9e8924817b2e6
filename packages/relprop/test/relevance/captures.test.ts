/**
 * What stands inside of nodes counts as what it is: a value that a graph inside of a node captures, at any depth, is
 * something that the output depends on. Messages name the true reason, and each way on that they offer leads on.
 */

import { describe, expect, it } from "vitest";
import {
  compile,
  inspect,
  OptionError,
  UnexplainableError,
  type CompileOptions,
  type FixedInputs,
} from "../../src/index.ts";
import { int, type Model, type Node, type Tensor } from "../../src/onnx/index.ts";
import { libraryOptions } from "../support/command-options.ts";
import { capturedBy, readBy, usesOf } from "../../src/onnx/captures.ts";
import { prune } from "../../src/onnx/prune.ts";
import { declared, nodeOf, subgraph } from "../canonicalize/subgraphs.ts";
import {
  branch,
  graphAttribute,
  ifOf,
  loopOf,
  modelFrom,
  scalar,
  valueOf,
  weight,
  whole,
} from "../support/control-flow.ts";

const constants: Readonly<Record<string, Tensor>> = {
  w: weight([4, 4], 1),
  half: scalar(0.5),
  wide: { ...whole(4), dims: [1] },
};
const x = valueOf("x", [1, 4]);
const y = valueOf("y", [1, 4]);

/** Networks whose output depends on `a`, which only graphs inside of nodes read. */
const captured: Readonly<Record<string, readonly Node[]>> = {
  "a branch": [
    ifOf(
      "fast",
      "b",
      branch("p", [nodeOf("MatMul", ["a", "w"], ["p"])]),
      branch("q", [nodeOf("Reshape", ["a", "wide"], ["q"])]),
    ),
  ],
  "a branch of a branch": [
    ifOf(
      "fast",
      "b",
      branch("p", [
        ifOf(
          "fast",
          "p",
          branch("r", [nodeOf("Neg", ["a"], ["r"])]),
          branch("s", [nodeOf("Reshape", ["a", "wide"], ["s"])]),
        ),
      ]),
      branch("q", [nodeOf("Neg", ["half"], ["q"])]),
    ),
  ],
  "a loop": [loopOf("rounds", "start", "b", [nodeOf("Add", ["before", "a"], ["after"])])],
  "a branch inside of a loop": [
    loopOf("rounds", "start", "b", [
      ifOf(
        "on",
        "after",
        branch("p", [nodeOf("Add", ["before", "a"], ["p"])]),
        branch("q", [nodeOf("Concat", ["a", "a"], ["q"], { axis: int(0) })]),
      ),
    ]),
  ],
  "a scan": [
    nodeOf("Scan", ["rows"], ["b"], {
      num_scan_inputs: int(1),
      body: graphAttribute(
        subgraph([declared("row")], [declared("out")], [nodeOf("Add", ["row", "a"], ["out"])]),
      ),
    }),
  ],
};

const network = (nodes: readonly Node[]): Model =>
  modelFrom(
    [x, valueOf("fast", [], "bool"), valueOf("rounds", [], "int64"), valueOf("rows", ["n", 4])],
    [y],
    [nodeOf("Tanh", ["x"], ["a"]), ...nodes, nodeOf("Identity", ["b"], ["y"])],
    { ...constants, start: weight([1, 4], 2) },
  );

const options: CompileOptions = { explain: ["x"], input: "x", composite: "epsilon", target: "top1" };

describe.each(Object.entries(captured))("%s", (_what, nodes) => {
  const model = network(nodes);
  const [node] = nodes as [Node];

  it("reads what it captures, and nothing of its own", () => {
    expect(capturedBy(node)).toContain("a");
    const outer = new Set(["a", "x", "w", "half", "wide", "fast", "rounds", "rows", "start"]);
    expect(readBy(node).filter((name) => !outer.has(name))).toEqual([]);
    expect(usesOf(model.graph).consumers.get("a")).toEqual([node]);
    expect(prune(model.graph).nodes).toHaveLength(model.graph.nodes.length);
  });

  it("is refused by its own name, and by no false reason", () => {
    const { obstacles, problems, nodes: rows } = inspect(model, options);
    expect(obstacles.map((each) => each.node)).toContain(node.name);
    const all = JSON.stringify([obstacles, problems, rows]);
    expect(all).not.toContain("does not depend");
    expect(all).not.toContain("does not reach");
    expect(() => compile(model, options)).toThrow(UnexplainableError);
    expect(() => compile(model, options)).not.toThrow("does not depend");
  });

  it("is offered ways that lead on, each", () => {
    const { alternatives } = inspect(model, options);
    for (const { option } of alternatives)
      expect(inspect(model, { ...options, ...libraryOptions(option) }).canCompile, option).toBe(true);
  });
});

describe("an input that decides", () => {
  it.each([
    ["a branch", "fast", { fast: true }],
    ["a loop", "rounds", { rounds: 3 }],
  ] satisfies [string, string, FixedInputs][])("of %s is offered", (what, name, set) => {
    const model = network(captured[what] as readonly Node[]);
    const { alternatives } = inspect(model, options);
    expect(alternatives.map(({ option }) => option).join()).toContain(`--set ${name}=`);
    expect(() => compile(model, options)).toThrow(`fix the input "${name}" (such as --set ${name}=`);
    expect(compile(model, { ...options, set }).model.graph.inputs.map((each) => each.name)).not.toContain(
      name,
    );
  });

  it("of nothing that stands in the way is not", () => {
    const model = network([
      nodeOf("Add", ["a", "sizes"], ["b"]),
      nodeOf("Tile", ["rows", "rounds"], ["unused"]),
    ]);
    const refused = {
      ...model,
      graph: {
        ...model.graph,
        nodes: model.graph.nodes.map((node) =>
          node.outputs[0] === "b" ? nodeOf("Round", ["a"], ["b"]) : node,
        ),
      },
    };
    expect(inspect(refused, options).alternatives.some(({ option }) => option.startsWith("--set"))).toBe(
      false,
    );
    expect(() => compile(refused, { ...options, set: { fast: 2 } })).toThrow(OptionError);
  });
});
