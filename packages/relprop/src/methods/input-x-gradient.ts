import type { Compiled } from "../compile.ts";
import type { Model } from "../onnx/graph.ts";
import { finish, gradientGraph } from "./gradient-graph.ts";
import type { InputXGradientOptions } from "./options.ts";

/** See {@link InputXGradientOptions}. On ReLU networks without biases it is LRP's `epsilon` with ε = 0. */
export function inputXGradient(source: Model, options: InputXGradientOptions): Compiled {
  const { method: _name, ...shared } = options;
  const open = gradientGraph(source, shared);
  const { b, compiled, gradient } = open;
  return finish(open, b.op("Mul", [gradient, b.value(compiled.input.name)]), options, {});
}
