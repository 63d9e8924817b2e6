/** How many nodes an explanation adds to a network, for each node that the network has: 8 at the median at most. */

import { expect, it } from "vitest";
import { compile, readAnswer } from "../../src/index.ts";
import { cases, modelOf } from "./cases.ts";
import { quick } from "./quick.ts";

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

const images = cases.filter(({ kind, name }) => kind === "image" && quick.includes(name));

it.each(["suggested", "attnlrp"])("%s: at most 8 nodes for each node, at the median", (given) => {
  const ratios = images.flatMap((each) =>
    each.graphs.map((graph) => {
      const source = modelOf(each, graph);
      const composite = given === "suggested" ? readAnswer(source).composite : given;
      const nodes = source.graph.nodes.length;
      return (compile(source, { composite }).model.graph.nodes.length - nodes) / nodes;
    }),
  );
  expect(median(ratios)).toBeLessThan(8);
});
