/** Rows picked by indices that an If gives, more in one branch than in the other, as torchvision's detectors keep boxes. */

import { describe, expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { int64Tensor, type Model, type Node } from "../../src/onnx/index.ts";
import { inferGraph } from "../../src/onnx/infer-shapes.ts";
import { declared, nodeOf, subgraph } from "../canonicalize/subgraphs.ts";
import { ifOf, modelFrom, scalar, valueOf, weight } from "../support/control-flow.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";

const two = int64Tensor([3, 1]);
const constants = { w: weight([4, 3], 1), zero: scalar(0), two };
const x = valueOf("x", [5, 4]);

/** y: rows of x W. */
const network = (picking: readonly Node[], rows: number | string): Model =>
  modelFrom(
    [x],
    [valueOf("y", [rows, 3])],
    [nodeOf("MatMul", ["x", "w"], ["h"]), ...picking, nodeOf("Gather", ["h", "kept"], ["y"])],
    constants,
  );
const chosen = network(
  [
    nodeOf("ReduceSum", ["x"], ["sum"]),
    nodeOf("Squeeze", ["sum"], ["total"]),
    nodeOf("Greater", ["total", "zero"], ["c"]),
    ifOf(
      "c",
      "kept",
      subgraph([], [declared("a", "int64")], [nodeOf("Identity", ["few"], ["a"])], { few: two }),
      subgraph([], [declared("b", "int64")], [nodeOf("Identity", ["none"], ["b"])], {
        none: int64Tensor([4]),
      }),
    ),
  ],
  "kept_rows",
);

describe("rows picked by the indices of an If", () => {
  it("of other sizes in both branches have a shape with an open size", () => {
    expect(inferGraph(chosen.graph).get("kept")?.shape).toEqual([expect.any(String)]);
  });

  it.each([
    [1, network([nodeOf("Identity", ["two"], ["kept"])], 2)],
    [
      -1,
      modelFrom(
        [x],
        [valueOf("y", [1, 3])],
        [nodeOf("MatMul", ["x", "w"], ["h"]), nodeOf("Gather", ["h", "one"], ["y"])],
        { ...constants, one: int64Tensor([4]) },
      ),
    ],
  ])("get the relevance of those rows (sign %i)", async (sign, plain) => {
    const data = randomNumbers(20, 4).map((n) => sign * Math.abs(n));
    const feeds = { x: { data, dims: [5, 4] } };
    const { dims, data: y } = (await runModel(plain, feeds))["y"]!;
    const target = { data: randomNumbers(y.length, 5), dims };
    const options = { composite: "epsilon", target: "input" } as const;
    const [found, expected] = await Promise.all(
      [chosen, plain].map(async (model) => runModel(compile(model, options).model, { ...feeds, target })),
    );
    expect(found!["y"]!.data).toEqual(expected!["y"]!.data);
    expect(relativeDistance(found!["relevance"]!.data, expected!["relevance"]!.data)).toBeLessThan(1e-6);
  });
});
