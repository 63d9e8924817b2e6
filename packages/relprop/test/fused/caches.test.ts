/** Caches of decoders: empty ones are no inputs, whatever their form; a merged decoder takes the branch without one. */

import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { promptModel } from "../../src/compile/caches.ts";
import { compile, ModelFileError } from "../../src/index.ts";
import {
  GraphBuilder,
  float32Tensor,
  int,
  type Dim,
  type Model,
  type Node,
  type Subgraph,
} from "../../src/onnx/index.ts";
import { ValueInfoProtoSchema } from "../../src/onnx/onnx_pb.ts";
import { randomNumbers } from "../support/run.ts";

/** Vectors [N, T, 4] of tokens, joined with a cache. */
function joined(shape: readonly Dim[], name = "past_key_values.0.key"): Model {
  const b = new GraphBuilder();
  const ids = b.input("input_ids", "int64", ["N", "T"]);
  const x = b.op("Gather", [b.constant(float32Tensor(randomNumbers(40, 1), [10, 4]), "words"), ids], {
    axis: int(0),
  });
  const past = b.input(name, "float32", shape);
  b.output(b.op("Concat", [past, x], { axis: int(1) }), "present");
  b.output(b.op("Relu", [x]), "y");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

/** A branch of an If: one operator on "x". */
const branch = (opType: string): Subgraph => {
  const declaration = toBinary(ValueInfoProtoSchema, create(ValueInfoProtoSchema, { name: "z" }));
  const node: Node = { name: opType, opType, domain: "", inputs: ["x"], outputs: ["z"], attributes: {} };
  return {
    name: opType,
    inputs: [],
    outputs: [{ name: "z", declaration }],
    initializers: new Map(),
    nodes: [node],
  };
};

const graphOf = (value: Subgraph) => ({ type: "graph", value }) as const;

describe("promptModel", () => {
  it.each([
    ["past_key_values.0.key", ["N", "P", 4]],
    ["past_0", ["N", "P", 4]],
    ["past.1.value", ["M", "P", "size"]],
  ])("%s %j is no input", (name, shape) => {
    const { model, hadCache } = promptModel(joined(shape, name));
    expect(hadCache).toBe(true);
    expect(model.graph.inputs.map((input) => input.name)).toEqual(["input_ids"]);
    const compiled = compile(model, { output: "y", composite: "epsilon" });
    expect(compiled.model.graph.inputs.map((input) => input.name)).toEqual(["input_ids", "target"]);
  });

  it("leaves other models alone, also those with an input of that sound", () => {
    for (const name of ["pastel", "paste_key"]) {
      const model = joined(["N", "P", 4], name);
      expect(promptModel(model)).toEqual({ model, hadCache: false });
    }
  });

  it("refuses a cache that is never empty", () => {
    const model = joined(["N", 3, 4]);
    expect(() => promptModel(model)).toThrow(ModelFileError);
    expect(() => promptModel(model)).toThrow(/always has the same length/);
  });

  it("takes the branch of a merged decoder that has no cache", () => {
    const plain = joined(["N", "P", 4]);
    const nodes = plain.graph.nodes.map((node): Node => {
      if (node.outputs[0] !== "y") return node;
      const attributes = { then_branch: graphOf(branch("Softplus")), else_branch: graphOf(branch("Tanh")) };
      return { ...node, opType: "If", inputs: ["use_cache_branch"], attributes };
    });
    const x = plain.graph.nodes[0]?.outputs[0] ?? "";
    const renamed = (names: readonly string[]): string[] => names.map((name) => (name === x ? "x" : name));
    const named = nodes.map((node): Node =>
      Object.assign({}, node, { inputs: renamed(node.inputs), outputs: renamed(node.outputs) }),
    );
    const choice = { name: "use_cache_branch", dataType: "bool", shape: [1] } as const;
    const inputs = [...plain.graph.inputs, choice];
    const { model } = promptModel({ ...plain, graph: { ...plain.graph, inputs, nodes: named } });
    const { graph } = compile(model, { output: "y", composite: "epsilon" }).model;
    expect(graph.inputs.map((input) => input.name)).toEqual(["input_ids", "target"]);
    const operators = graph.nodes.map(({ opType }) => opType);
    expect(operators).toContain("Tanh");
    expect(operators).not.toContain("Softplus");
  });
});
