/** QuantizeLinear and DequantizeLinear: what is rounded inside of a constant expression is a constant, too. */

import { dequantized, quantized } from "../../onnx/quantization.ts";
import type { Evaluate, Evaluators } from "./evaluator.ts";

const withScale =
  (compute: typeof quantized): Evaluate =>
  ({ node, inputs: [x, scale, zero] }) =>
    x && scale && compute(node, x, scale, zero);

/** opType -> evaluator. */
export const quantizing: Evaluators = {
  QuantizeLinear: withScale(quantized),
  DequantizeLinear: withScale(dequantized),
};
