/** Gradients at several points for each sample, computed in one run. */

import { OptionError } from "../errors.ts";
import { int, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { sizes } from "../relevance/ops/shapes.ts";
import { chooseTarget } from "../relevance/settings.ts";
import { seedRelevance } from "../relevance/seed.ts";
import type { GradientGraph } from "./gradient-graph.ts";
import { inlineGraph } from "./inline-graph.ts";
import type { SharedMethodOptions } from "./options.ts";

/**
 * Checks that the model can run on several points for each sample.
 * @throws OptionError if the input holds token ids, which have no points between them, or the batch is fixed
 */
export function requirePoints({ compiled }: GradientGraph, method: string): void {
  if (compiled.tokens) {
    throw new OptionError({
      what: `cannot compile ${method} for this model`,
      where: `input "${compiled.input.name}"`,
      why: "it holds token ids, and the method needs inputs between two inputs",
      fix: "choose input-x-gradient, or an LRP composite",
    });
  }
  const { name: inputName, shape: inputShape } = compiled.input;
  if (compiled.batchAxis !== undefined && compiled.batchAxis > 0) {
    throw new OptionError({
      what: `cannot compile ${method} for this model`,
      where: `input "${inputName}", [${inputShape.join(", ")}]`,
      why: `its axis ${compiled.batchAxis} counts samples, and the method needs them first`,
      fix: "export the model with samples first, or choose input-x-gradient or grad-cam",
    });
  }
  for (const { name, shape } of [compiled.input, compiled.output]) {
    if (typeof shape[0] === "string") continue;
    throw new OptionError({
      what: `cannot compile ${method} for this model`,
      where: `tensor "${name}", [${shape.join(", ")}]`,
      why: `its batch is fixed at ${shape[0] ?? "none"}, and the method runs the model on several points for each sample at once`,
      fix: "export the model with a dynamic batch axis, or choose input-x-gradient or grad-cam",
    });
  }
}

/**
 * The mean gradient over several points for each sample.
 * @param points [count, N, …]
 * @returns [N, …]
 */
export function meanGradient(
  gradient: GradientGraph,
  points: Value,
  count: number,
  options: SharedMethodOptions & { readonly method: string },
): Value {
  const { b, compiled, graph } = gradient;
  const { input, output, settings } = compiled;
  const chosen = { ...settings, target: chooseTarget(options.target) };
  const ranked = b.value(compiled.ranked.name);
  const target = b.within("seed", () =>
    seedRelevance(b, b.value(output.name), chosen, compiled.facts, ranked),
  );

  const bindings = new Map([
    [input.name, asBatch(b, points)],
    ["target", asBatch(b, repeat(b, target, count))],
  ]);
  for (const each of graph.inputs) {
    // Another input with a value for each sample is repeated as well.
    if (each.name !== input.name && each.shape[0] === input.shape[0])
      bindings.set(each.name, asBatch(b, repeat(b, each, count)));
  }
  const logits = b.value(output.name);
  const copyOf = inlineGraph(b, graph, bindings, [gradient.gradient, logits]);
  const explained = copyOf(logits);
  if (typeof explained.shape[0] === "number") {
    throw new OptionError({
      what: `cannot compile ${options.method} for this model`,
      where: `tensor "${output.name}"`,
      why: `its input has an open batch, but a Reshape inside fixes the batch at ${explained.shape[0]}`,
      fix: "export the model with a dynamic batch axis, or choose input-x-gradient or grad-cam",
    });
  }
  const stacked = b.op("Reshape", [
    copyOf(gradient.gradient),
    sizes(b, [count, -1, ...input.shape.slice(1)], points),
  ]);
  return b.op("ReduceMean", [stacked], { axes: { type: "ints", value: [0] }, keepdims: int(0) });
}

/** [N, …] -> [count, N, …]. */
function repeat(b: GraphBuilder, value: Value, count: number): Value {
  const shape = [count, ...value.shape.map(() => 1)];
  return b.op("Expand", [b.op("Unsqueeze", [value, b.integers([0])]), b.integers(shape)]);
}

/** [count, N, …] -> [count·N, …]. */
function asBatch(b: GraphBuilder, stacked: Value): Value {
  const rest = stacked.shape.slice(2);
  const shape = rest.every((dim) => typeof dim === "number")
    ? b.integers([-1, ...rest])
    : b.op("Concat", [b.integers([-1]), b.op("Shape", [stacked], { start: int(2) })], { axis: int(0) });
  return b.op("Reshape", [stacked, shape]);
}
