import type { Compiled } from "../compile/compile.ts";
import { OptionError } from "../errors.ts";
import { int, ints, type Model, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { finish, gradientGraph, methodInput } from "./gradient-graph.ts";
import { countOption, type SmoothGradOptions } from "./options.ts";
import { meanGradient, requirePoints } from "./repeated.ts";

/** Compiles SmoothGrad, see {@link SmoothGradOptions}. The model's outputs are those of x without noise. */
export function smoothGrad(source: Model, options: SmoothGradOptions): Compiled {
  const { method, samples = 25, level = 0.15, ...shared } = options;
  countOption("samples", samples);
  if (!(level >= 0 && level < Infinity)) {
    throw new OptionError({
      what: `the noise level cannot be ${level}`,
      why: "it is a fraction of the input's range, 0 or more",
      fix: "0.1 to 0.2 is usual",
    });
  }
  const open = gradientGraph(source, shared, { method, target: "later" });
  requirePoints(open, method);
  const { b, x } = open;
  const noise = methodInput(open, "noise", [samples, ...x.shape.slice(1)]);
  const deviation = b.op("Mul", [range(b, x), b.scalar(level)]);
  const moves = b.op("Mul", [b.op("Unsqueeze", [noise, b.integers([1])]), deviation]);
  const mean = meanGradient(open, b.op("Add", [x, moves]), samples, options);
  return finish(open, mean, options, { samples, level });
}

/** max x − min x of each sample: [N, 1, …]. */
function range(b: GraphBuilder, x: Value): Value {
  const axes = ints(x.shape.slice(1).map((_, i) => i + 1));
  const extreme = (opType: "ReduceMax" | "ReduceMin"): Value => b.op(opType, [x], { axes, keepdims: int(1) });
  return b.op("Sub", [extreme("ReduceMax"), extreme("ReduceMin")]);
}
