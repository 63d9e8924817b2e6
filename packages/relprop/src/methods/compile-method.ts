/** Compiles attribution methods beyond LRP into the graph. */

import type { Compiled } from "../compile/compile.ts";
import type { Model } from "../onnx/graph.ts";
import { gradCam } from "./grad-cam.ts";
import { inputXGradient } from "./input-x-gradient.ts";
import { integratedGradients } from "./integrated-gradients.ts";
import { checkMethod, type MethodOptions } from "./options.ts";
import { smoothGrad } from "./smoothgrad.ts";

/**
 * Does what {@link compile} does for methods that are not composites: they take gradients at several points, or at an inner
 * layer. The result is an ordinary ONNX model (opset 17) with the model's inputs and outputs, an input `target` (unless
 * `target: "top1"`), the inputs of the method (`baseline`, `noise`) and the output `relevance`. It explains
 * target · output, where output is before a final Softmax.
 *
 * The plain gradient, guided backpropagation and similar methods are composites: `compile(model, { composite: "gradient" })`.
 *
 * @throws UnexplainableError listing every node that the gradient cannot cross
 * @throws OptionError if the method does not have an option, a value is not allowed, or the batch is fixed although the
 *   method needs an open one
 *
 * @example
 *     const { model } = compileMethod(readModel(bytes), { method: "integrated-gradients", steps: 64 });
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
