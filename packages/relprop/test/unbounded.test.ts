/** Networks that are thousands of nodes deep, and files that would grow without end. */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compile, inspect, ModelFileError, readAnswer } from "../src/index.ts";
import { readModel, type Model } from "../src/onnx/index.ts";
import { nodeOf } from "./canonicalize/subgraphs.ts";
import { modelFrom, valueOf, weight } from "./support/control-flow.ts";

/** x · w · w · … */
function chain(length: number): Model {
  const name = (i: number): string => (i === 0 ? "x" : i === length ? "y" : `v${i}`);
  const nodes = Array.from({ length }, (_, i) => nodeOf("MatMul", [name(i), "w"], [name(i + 1)]));
  return modelFrom([valueOf("x", [1, 4])], [valueOf("y", [1, 4])], nodes, { w: weight([4, 4], 1) });
}

it("a chain of thousands of layers is compiled, with as many nodes for each", () => {
  const sizeOf = (length: number): number =>
    compile(chain(length), { composite: "epsilon" }).model.graph.nodes.length;
  const [short, long] = [sizeOf(500), sizeOf(4000)];
  expect(long / short).toBeLessThan(8.1);
  expect(readAnswer(chain(4000)).facts.shape).toEqual([1, 4]);
});

const hostile = (name: string): Uint8Array =>
  readFileSync(new URL(`./cases/hostile/${name}.onnx`, import.meta.url));

it("functions without nodes that call each other twice, forty deep, are refused", () => {
  expect(() => readModel(hostile("func_bomb_identity"))).toThrow(ModelFileError);
  expect(() => readModel(hostile("func_bomb_identity"))).toThrow("it has more than 1000000 nodes");
});

it("loops in loops, 20 rounds each and six deep, stay as they are", () => {
  const { obstacles } = inspect(readModel(hostile("loop_nested_20p6")));
  expect(obstacles.map(({ why }) => why).join()).toContain(
    "the nodes of all its rounds are more than 20000 nodes",
  );
});
