/** Attribution methods beyond LRP, compiled into the graph as LRP is. */

import type { Compiled } from "../compile/compile.ts";
import type { Model } from "../onnx/graph.ts";
import { gradCam } from "./grad-cam.ts";
import { inputXGradient } from "./input-x-gradient.ts";
import { integratedGradients } from "./integrated-gradients.ts";
import { checkMethod, type MethodOptions } from "./options.ts";
import { smoothGrad } from "./smoothgrad.ts";

/**
 * As {@link compile}, for a method that is no composite: gradients taken at several points, or at an inner layer, from
 * the same transposes. The result is an ordinary ONNX model (opset 17) with the model's inputs and outputs, an input
 * `target` (unless `target: "top1"`), what the method needs (`baseline`, `noise`) and the output `relevance`. What is
 * explained is target · output; a final Softmax is left out as always.
 *
 * ```ts
 * const { model } = compileMethod(readModel(bytes), { method: "integrated-gradients", steps: 64 });
 * ```
 *
 * The plain gradient, guided backpropagation and their kind are composites: `compile(model, { composite: "gradient" })`.
 *
 * @throws UnexplainableError listing every node that the gradient cannot cross
 * @throws OptionError for an option that the method does not have, a value that is not allowed, or a fixed batch where
 *   the method needs an open one
 */
export function compileMethod(source: Model, options: MethodOptions): Compiled {
  checkMethod(options);
  switch (options.method) {
    case "input-x-gradient":
      return inputXGradient(source, options);
    case "integrated-gradients":
      return integratedGradients(source, options);
    case "smoothgrad":
      return smoothGrad(source, options);
    case "grad-cam":
      return gradCam(source, options);
  }
}
