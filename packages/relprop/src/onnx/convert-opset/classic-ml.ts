/**
 * Replaces operators of ai.onnx.ml, which converters of scikit-learn write, by those of ai.onnx. Others of that domain stay,
 * and assigning rules refuses them by name.
 *
 * Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md
 */

import { int, type Node } from "../graph.ts";
import { dataTypeCodes } from "../data-types.ts";
import { float32Tensor } from "../tensor.ts";
import type { Conversion, Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** A vector that is an attribute: one number for all features, or one for each. */
function vector(node: Node, to: Conversion, name: string, orElse: number): string {
  const attribute = node.attributes[name];
  const numbers = attribute?.type === "floats" ? attribute.value : [orElse];
  const dims = numbers.length === 1 ? [] : [numbers.length];
  return to.constant(node, name, float32Tensor(numbers, dims));
}

/** Scaler: (x − offset) · scale, as float32. */
const scaler: Converter = (node, to) => {
  const write = new NodeWriter(node, to);
  const [given = ""] = node.inputs;
  const isFloat32 = to.info(given)?.dataType === "float32";
  const x = isFloat32 ? given : write.op("Cast", [given], { to: int(dataTypeCodes.float32) });
  const centred = write.op("Sub", [x, vector(node, to, "offset", 0)]);
  write.op("Mul", [centred, vector(node, to, "scale", 1)], {}, node.outputs[0]);
  return write.nodes;
};

/** Converters by operator. */
export const classicForms: Readonly<Record<string, Converter>> = { Scaler: scaler };
