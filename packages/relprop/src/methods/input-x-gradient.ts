import type { Compiled } from "../compile/compile.ts";
import type { Model } from "../onnx/graph.ts";
import { sumOver } from "../relevance/seed.ts";
import { finish, gradientGraph } from "./gradient-graph.ts";
import type { InputXGradientOptions } from "./options.ts";

/** Compiles {@link InputXGradientOptions}. On ReLU networks without biases it equals LRP's `epsilon` with ε = 0. */
export function inputXGradient(source: Model, options: InputXGradientOptions): Compiled {
  const { method, ...shared } = options;
  const open = gradientGraph(source, shared, { method });
  const { b, compiled, gradient } = open;
  if (compiled.tokens) return tokensXGradient(source, options, compiled.tokens.name);
  return finish(open, b.op("Mul", [gradient, open.x]), options, {});
}

/** The method for token ids: their vectors ⊙ gradient, summed up for each token. */
function tokensXGradient(source: Model, options: InputXGradientOptions, vectors: string): Compiled {
  const { method, ...shared } = options;
  const open = gradientGraph(source, shared, { method, layer: vectors });
  const { b, gradient } = open;
  const product = b.op("Mul", [gradient, b.value(vectors)]);
  return finish(open, sumOver(b, product, product.shape.length - 1), options, {}, true);
}
