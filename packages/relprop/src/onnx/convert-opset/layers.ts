/** Operators whose attributes or inputs changed, apart from those in other files. */

import { wrapped } from "../axis.ts";
import { type Attribute, int, ints, numberAttribute, stringAttribute } from "../graph.ts";
import { dataTypeOf } from "../data-types.ts";
import { dequantized } from "../quantization.ts";
import { type Converter, without } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** Drops attributes that opset 17 does not have; refuses nodes in which they are not the default. */
export function dropIfDefault(defaults: Readonly<Record<string, number>>): Converter {
  return (node, to) => {
    for (const [name, normal] of Object.entries(defaults)) {
      const attribute = node.attributes[name];
      if (attribute && !valuesOf(attribute).every((value) => value === normal)) {
        throw to.refuse(
          node,
          `its attribute ${name} is ${valuesOf(attribute).join(", ")}, and opset 17 only has ${normal}`,
        );
      }
    }
    return [{ ...node, attributes: without(node.attributes, ...Object.keys(defaults)) }];
  };
}

function valuesOf(attribute: Attribute): readonly unknown[] {
  return Array.isArray(attribute.value) ? attribute.value : [attribute.value];
}

/** Drops attributes that have no effect on the types that relprop reads. */
export function drop(...names: readonly string[]): Converter {
  return (node) => [{ ...node, attributes: without(node.attributes, ...names) }];
}

/** Renames an operator. */
export const rename =
  (opType: string): Converter =>
  (node) => [{ ...node, opType }];

/** Refuses an operator that opset 17 cannot express. */
export const refuseAll: Converter = (node, to) => {
  throw to.refuse(node, "opset 17 has no such operator");
};

/** Clip before 11: attributes `min`, `max` -> inputs. */
export const clipToInputs: Converter = (node, to) => {
  const [x = ""] = node.inputs;
  const dataType = to.info(x)?.dataType;
  const bound = (name: string): string => {
    const attribute = node.attributes[name];
    return attribute?.type === "float" ? to.number(node, name, attribute.value, dataType) : "";
  };
  const [min, max] = [bound("min"), bound("max")];
  const inputs = max !== "" ? [x, min, max] : min !== "" ? [x, min] : [x];
  return [{ ...node, inputs, attributes: {} }];
};

/** Dropout before 12: without the input `training_mode` it is the identity, as before. Before 10 its mask was a float. */
export const dropoutAtInference: Converter = (node, to) => {
  const [y = "", mask = ""] = node.outputs;
  if (to.isUsed(mask) && to.version < 10) throw to.refuse(node, "its mask is used");
  const outputs = to.isUsed(mask) ? [y, mask] : [y];
  return [{ ...node, outputs, attributes: {} }];
};

/** BatchNormalization before 14: more outputs than one meant training. */
export const batchNormalizationAtInference: Converter = (node, to) => {
  if (node.outputs.slice(1).some((name) => name !== "")) {
    throw to.refuse(node, "it is in training mode", "export the model in inference mode (model.eval())");
  }
  if (numberAttribute(node, "spatial", 1) !== 1)
    throw to.refuse(node, "it has statistics per pixel (spatial=0)");
  return [{ ...node, outputs: node.outputs.slice(0, 1), attributes: without(node.attributes, "spatial") }];
};

/** ScatterElements and ScatterND since 18 have the reductions `max` and `min`. */
export const scatterOf17: Converter = (node, to) => {
  const reduction = stringAttribute(node, "reduction", "none");
  if (reduction === "max" || reduction === "min")
    throw to.refuse(node, `reduction "${reduction}" came with opset 18`);
  return [node];
};

/** GridSample since 20 has other names of modes, and volumes. */
export const gridSampleOf17: Converter = (node, to) => {
  if (to.shape(node, 0).length !== 4) throw to.refuse(node, "volumes came with opset 20");
  const mode = stringAttribute(node, "mode", "linear");
  const words: Readonly<Record<string, string>> = { linear: "bilinear", cubic: "bicubic" };
  return [
    { ...node, attributes: { ...node.attributes, mode: { type: "string", value: words[mode] ?? mode } } },
  ];
};

/** DFT since 20: input `axis` -> attribute, counted from the front, since the defaults differ. */
export const dftAxisToAttribute: Converter = (node, to) => {
  const rank = to.shape(node, 0).length;
  const axis = to.constantIntegers(node, 2, "axis")?.[0] ?? -2;
  const attributes = { ...node.attributes, axis: int(wrapped(axis, rank)) };
  return [{ ...node, inputs: node.inputs.slice(0, 2), attributes }];
};

/** RoiAlign before 16 had no half-pixel shift, which is the default since then. */
export const roiAlignOf10: Converter = (node) => {
  const coordinate_transformation_mode: Attribute = { type: "string", value: "output_half_pixel" };
  return [{ ...node, attributes: { ...node.attributes, coordinate_transformation_mode } }];
};

/** QuantizeLinear since 19: `saturate` is for float8; since 21 there are blocks and `output_dtype`, since 23 `precision`. */
export const quantizeLinearOf13: Converter = (node, to) =>
  dropIfDefault({ block_size: 0, output_dtype: 0, precision: 0 })(
    { ...node, attributes: without(node.attributes, "saturate") },
    to,
  );

/** DequantizeLinear since 21 may have a scale per block, which is supported for constants; since 23 it has `output_dtype`. */
export const dequantizeLinearOf13: Converter = (node, to) => {
  const [q = "", scale = "", zero = ""] = node.inputs;
  const type = to.info(scale)?.dataType;
  const code = numberAttribute(node, "output_dtype", 0);
  if (code !== 0 && dataTypeOf(code) !== type) {
    throw to.refuse(node, `its output_dtype is not the type of its scale, which is ${type}`);
  }
  const attributes = without(node.attributes, "block_size", "output_dtype");
  if (numberAttribute(node, "block_size", 0) === 0) return [{ ...node, attributes }];
  const [values, scales, zeros] = [q, scale, zero].map((name) => to.info(name)?.constant);
  const result = values && scales && (zero === "" || zeros) && dequantized(node, values, scales, zeros);
  if (!result) throw to.refuse(node, "it has a scale for each block, and its input is not a constant");
  const inputs = [to.constant(node, "dequantized", result)];
  return [{ ...node, opType: "Identity", inputs, attributes: {} }];
};

/** SpaceToDepth since 28 has a mode CRD, which Reshape, Transpose and Reshape express. */
export const spaceToDepthOf13: Converter = (node, to) => {
  const attributes = without(node.attributes, "mode");
  if (stringAttribute(node, "mode", "DCR") === "DCR") return [{ ...node, attributes }];
  const [, channels, height, width] = to.shape(node, 0);
  if (typeof channels !== "number" || typeof height !== "number" || typeof width !== "number") {
    throw to.refuse(node, 'mode "CRD" came with opset 28, and the sizes of its input are unknown');
  }
  const size = numberAttribute(node, "blocksize", 1);
  const [h, w] = [height / size, width / size];
  const write = new NodeWriter(node, to);
  const blocks = write.op("Reshape", [
    node.inputs[0] ?? "",
    write.integers("blocks", [0, channels, h, size, w, size]),
  ]);
  const turned = write.op("Transpose", [blocks], { perm: ints([0, 1, 3, 5, 2, 4]) });
  const depth = write.integers("depth", [0, channels * size * size, h, w]);
  write.op("Reshape", [turned, depth], {}, node.outputs[0]);
  return write.nodes;
};
