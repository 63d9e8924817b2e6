/** A detector compares the probabilities of several boxes, each a softmax of its own: relevance starts at the logits of those it picked. */

import { expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { GraphBuilder, int, ints } from "../../src/onnx/index.ts";
import { array, model } from "../support/random-net.ts";
import { relativeDistance, runModel } from "../support/run.ts";

const [boxes, features, classes, of] = [5, 4, 3, 1];
const weights = array([features, classes], 4).data;

it("starts at the logits of what was picked, though logits would have been picked in another order", async () => {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", [boxes, features]);
  const logits = b.op("MatMul", [x, b.numbers([...weights], [features, classes])]);
  const scores = b.op("Softmax", [logits], { axis: int(1) });
  const [ofClass] = b
    .ops("Split", [scores, b.integers([of, 1, classes - of - 1])], { axis: int(1) }, 3)
    .slice(1);
  const flat = b.op("Reshape", [ofClass!, b.integers([boxes])]);
  const [best] = b.ops("TopK", [flat, b.integers([boxes])], { axis: int(0) }, 2);
  b.output(b.op("Transpose", [best], { perm: ints([0]) }), "scores");
  const source = model(b);

  const input = array([boxes, features], 9);
  const zOf = (box: number, c: number): number =>
    Array.from(
      { length: features },
      (_, f) => input.data[box * features + f]! * weights[f * classes + c]!,
    ).reduce((sum, n) => sum + n, 0);
  const score = (box: number): number => {
    const powers = [0, 1, 2].map((c) => Math.exp(zOf(box, c)));
    return powers[of]! / (powers[0]! + powers[1]! + powers[2]!);
  };
  const all = Array.from({ length: boxes }, (_, box) => box);
  const ranked = all.toSorted((a, c) => score(c) - score(a));
  expect(ranked).not.toEqual(all.toSorted((a, c) => zOf(c, of) - zOf(a, of)));

  const { model: compiled } = compile(source, { composite: "gradient", outputKind: "scores" });
  for (const [rank, box] of ranked.entries()) {
    const target = { data: Float32Array.from(all, (i) => (i === rank ? 1 : 0)), dims: [boxes] };
    const { relevance } = await runModel(compiled, { x: input, target });
    const expected = Array.from({ length: boxes * features }, (_, i) =>
      Math.floor(i / features) === box ? weights[(i % features) * classes + of]! : 0,
    );
    expect(relativeDistance(relevance!.data, expected)).toBeLessThan(1e-6);
  }
});
