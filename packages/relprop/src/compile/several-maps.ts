/**
 * Several maps for one forward pass: all that depends on the target is copied once more, for K targets of each sample at a time.
 *
 * With R of [K·N, …] and values of the forward pass of [N, …], map after map, element-wise operators run on [K, N, …] and
 * broadcast; other operators get what they read of the forward pass K times (docs/rules.md §13). The forward pass and every
 * denominator are computed once.
 */

import type { CompileOptions } from "./compile-options.ts";
import { copied } from "./copied-node.ts";
import { Copies } from "./copies.ts";
import { ForwardValues, type MapCount } from "./forward-values.ts";
import type { Prepared } from "./prepare.ts";
import { OptionError, UnexplainableError } from "../errors.ts";
import { capturedBy, readBy } from "../onnx/captures.ts";
import { int, type Node, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { product } from "../onnx/operators/sizes.ts";
import { channelsInput } from "../relevance/concepts.ts";
import { sideBySide } from "../relevance/ops/shapes.ts";
import { oneHot } from "../relevance/seed.ts";

/** What is to be copied, and how often. */
export interface SeveralMaps extends MapCount {
  /** The input that differs from map to map: targets, or channels of a layer. */
  readonly input: string;
  /** Where the targets are the best classes, or the channels the strongest, the axis of these. */
  readonly rankedAxis: number | undefined;
}

/**
 * Several maps, if they are asked for.
 * @throws OptionError for a number that makes no sense, or a model whose batch is not open
 */
export function mapsAsked(
  { analysis, settings, facts, ends }: Prepared,
  { maps: count = 1, concepts }: Pick<CompileOptions, "maps" | "concepts">,
): SeveralMaps | undefined {
  const { graph, b, batch } = analysis;
  const refuse = (why: string, fix: string): OptionError =>
    new OptionError({ what: `cannot compute ${count} maps in one pass`, why, fix });
  if (!Number.isInteger(count) || count < 1) throw refuse("it is a number from 1 on", "1 is the usual one");
  if (count === 1 && concepts?.channels !== "strongest") return undefined;
  const isRanked = !concepts && settings.target === "top1";
  if (!concepts && settings.seed === "softmax")
    throw refuse("the softmax of all classes is one thing to explain", "choose the seed logit");
  if (!concepts && !isRanked && settings.target !== "input")
    throw refuse(
      "the target is compiled in, and is one",
      'leave it out, or choose "top1" for the best classes',
    );
  if (isRanked && (facts.classAxis === undefined || facts.placeAxes.length > 0))
    throw refuse("no best classes can be told", "give the targets at run time");
  const input = b.value(ends[0].origin);
  if (!batch)
    throw refuse(
      "the model mixes the samples of a batch, or has no batch",
      "compile for one map at a time: leave maps out",
    );
  const size = input.shape[batch.inputAxis];
  if (typeof size !== "string" || input.shape.filter((dim) => dim === size).length > 1)
    throw refuse(
      `its input "${input.name}" is [${input.shape.join(", ")}], without a batch axis of open size`,
      "export the model with a dynamic batch axis, or leave maps out",
    );
  const shared = ends.find((each) => !each.input.shape.includes(size));
  if (shared)
    throw refuse(
      `all samples share the input "${shared.input.name}", which is explained as well`,
      "choose the input that has samples, or leave maps out",
    );
  const other = graph.inputs.find(
    ({ name, shape: [first] }) => name !== input.name && typeof first === "string" && first !== size,
  );
  if (other)
    throw refuse(
      `its inputs name their batch "${size}" and "${other.shape[0]}", so samples of both cannot be matched`,
      "export the model with one name for the batch axis, or leave maps out",
    );
  return {
    analysis,
    count,
    batch: size,
    input: concepts ? channelsInput : "target",
    rankedAxis: concepts?.channels === "strongest" ? 1 : isRanked ? facts.classAxis : undefined,
  };
}

/**
 * @param ranked what ranks classes, or channels
 * @returns a function from a value that depends on the input to the same for K maps, [K·N, …], and from others to themselves
 * @throws UnexplainableError where samples cannot be told apart in what relevance reads of the forward pass
 */
export function severalMaps(request: SeveralMaps, ranked: Value): (result: Value) => Value {
  const { count, batch, input, rankedAxis } = request;
  const { b } = request.analysis;
  const one = b.value(input);
  const nodes = [...b.graph("").nodes];
  const forward = new ForwardValues(request, nodes);
  const isMany = product([count, batch]);
  const many =
    rankedAxis === undefined
      ? b.refine(
          one,
          one.shape.map((dim) => (dim === batch ? isMany : dim)),
        )
      : bestClasses(b, ranked, rankedAxis, count);
  const copies = new Copies(request);
  copies.set(input, many);
  for (const node of nodes) {
    if (!readBy(node).some((name) => copies.has(name))) continue;
    refuseCaptures(node);
    const row = request.analysis.operators.rowOf(node);
    if (copies.takeFactor(node, row)) continue;
    const together = copies.broadcast(node, row);
    const results = together
      ? [together]
      : copied(b, node, (name) => copies.get(name) ?? forward.forMaps(name));
    for (const [i, name] of node.outputs.entries()) {
      const result = results[i];
      if (name !== "" && result) copies.set(name, result);
    }
  }
  return (result) => copies.get(result.name) ?? result;
}

/** The graph's inputs, with the sizes that they have for several maps; best classes are none. */
export const inputsOf = (
  inputs: readonly Value[],
  { analysis: { b }, input, rankedAxis }: SeveralMaps,
): Value[] =>
  inputs.flatMap((each) => {
    if (each.name !== input) return [each];
    return rankedAxis === undefined ? [b.value(input)] : [];
  });

/** One-hot over the classes, [K·N, classes]: at the best of each sample, then at the second … */
function bestClasses(b: GraphBuilder, ranked: Value, axis: number, count: number): Value {
  const [, indices] = b.ops("TopK", [ranked, b.integers([count])], { axis: int(axis) }, 2);
  const places = Array.from({ length: count }, (_, rank) =>
    oneHot(b, b.op("Gather", [indices, b.integers([rank])], { axis: int(axis) }), ranked, axis),
  );
  return sideBySide(b, places, 0);
}

function refuseCaptures(node: Node): void {
  if (capturedBy(node).length === 0) return;
  throw new UnexplainableError({
    what: "cannot compute several maps in one pass",
    where: `${node.opType} "${node.name}"`,
    why: "the graph inside of it reads values around it, which are not the same for all maps",
    fix: "compile a model for one map at a time: leave maps out",
  });
}
