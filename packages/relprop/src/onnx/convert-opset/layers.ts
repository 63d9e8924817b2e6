/** Layers and activations whose attributes or inputs changed, and those that opset 17 has to spell out. */

import { type Attribute, type DataType, type Node, int, numberAttribute, stringAttribute } from "../graph.ts";
import { float32Tensor } from "../tensor.ts";
import { type Conversion, type Converter, operator, without } from "./conversion.ts";

/** Drops attributes that say nothing at their default value. @throws ModelFileError at any other value */
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

/** Drops attributes that cannot matter to float tensors. */
export function drop(...names: readonly string[]): Converter {
  return (node) => [{ ...node, attributes: without(node.attributes, ...names) }];
}

/** Another name for the same. */
export const rename =
  (opType: string): Converter =>
  (node) => [{ ...node, opType }];

/** Has no equal. */
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

/** Dropout before 12: without its input `training_mode` it passes everything on, as it did. The mask was no bool. */
export const dropoutAtRest: Converter = (node, to) => {
  const [y = "", mask = ""] = node.outputs;
  if (to.isUsed(mask) && to.version < 10) throw to.refuse(node, "its mask is used");
  const outputs = to.isUsed(mask) ? [y, mask] : [y];
  return [{ ...node, outputs, attributes: {} }];
};

/** BatchNormalization before 14: more outputs than one meant training. */
export const batchNormalizationAtRest: Converter = (node, to) => {
  if (node.outputs.slice(1).some((name) => name !== "")) {
    throw to.refuse(node, "it is in training mode", "export the model in inference mode (model.eval())");
  }
  if (numberAttribute(node, "spatial", 1) !== 1)
    throw to.refuse(node, "it has statistics per pixel (spatial=0)");
  return [{ ...node, outputs: node.outputs.slice(0, 1), attributes: without(node.attributes, "spatial") }];
};

/** ScatterElements and ScatterND since 18 can keep the largest or smallest. */
export const scatterOf17: Converter = (node, to) => {
  const reduction = stringAttribute(node, "reduction", "none");
  if (reduction === "max" || reduction === "min")
    throw to.refuse(node, `reduction "${reduction}" came with opset 18`);
  return [node];
};

/** GridSample since 20: other words, and volumes. */
export const gridSampleOf17: Converter = (node, to) => {
  if (to.shape(node, 0).length !== 4) throw to.refuse(node, "volumes came with opset 20");
  const mode = stringAttribute(node, "mode", "linear");
  const words: Readonly<Record<string, string>> = { linear: "bilinear", cubic: "bicubic" };
  return [
    { ...node, attributes: { ...node.attributes, mode: { type: "string", value: words[mode] ?? mode } } },
  ];
};

/** Writes the nodes of a body: each step is one operator over values and numbers. */
class Spelling {
  readonly body: Node[] = [];
  readonly #node: Node;
  readonly #to: Conversion;
  readonly #dataType: DataType | undefined;

  constructor(node: Node, to: Conversion) {
    this.#node = node;
    this.#to = to;
    this.#dataType = to.info(node.inputs[0])?.dataType;
  }

  step(opType: string, ...operands: readonly (string | number)[]): string {
    const inputs = operands.map((operand) =>
      typeof operand === "number" ? this.#to.number(this.#node, "number", operand, this.#dataType) : operand,
    );
    const output = this.#to.name(`${this.#node.name}_${opType}`);
    this.body.push(operator(opType, inputs, output));
    return output;
  }

  /** The last step, which gives the node's output. */
  finish(opType: string, ...inputs: readonly string[]): readonly Node[] {
    const last = operator(opType, inputs, this.#node.outputs[0] ?? "");
    return [...this.body, { ...last, name: this.#to.name(`${this.#node.name}_${opType}`) }];
  }
}

/** Gelu (20): 0.5 x (1 + erf(x / √2)), or 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))); the node stays over its body. */
export const geluOverBody: Converter = (node, to) => {
  const [x = ""] = node.inputs;
  const write = new Spelling(node, to);
  let curve: string;
  if (stringAttribute(node, "approximate", "none") === "tanh") {
    const cubic = write.step("Mul", write.step("Mul", write.step("Mul", x, x), x), 0.044715);
    curve = write.step("Tanh", write.step("Mul", write.step("Add", x, cubic), Math.sqrt(2 / Math.PI)));
  } else {
    curve = write.step("Erf", write.step("Div", x, Math.SQRT2));
  }
  const half = write.step("Mul", x, 0.5);
  return [{ ...node, body: write.finish("Mul", half, write.step("Add", curve, 1)) }];
};

/** Mish (18): x tanh(log(1 + eˣ)); the node stays over its body. */
export const mishOverBody: Converter = (node, to) => {
  const [x = ""] = node.inputs;
  const write = new Spelling(node, to);
  const body = write.finish("Mul", x, write.step("Tanh", write.step("Softplus", x)));
  return [{ ...node, domain: "relprop", body }];
};

/**
 * GroupNormalization: InstanceNormalization of [N, groups, the rest], then scale and bias: per group in 18, per
 * channel since 21. The node stays over its body.
 */
export const groupNormalizationOverBody: Converter = (node, to) => {
  const [x = "", scale = "", bias = ""] = node.inputs;
  const groups = numberAttribute(node, "num_groups", 1);
  const rank = to.shape(node, 0).length;
  const isPerGroup = to.version < 21;
  const value = (what: string): string => to.name(`${node.name}_${what}`);
  const [grouped, normal, size, whole, scaled] = ["grouped", "normal", "shape", "whole", "scaled"].map(
    value,
  ) as [string, string, string, string, string];
  const ones = to.constant(node, "ones", float32Tensor(new Float32Array(groups).fill(1), [groups]));
  const zeros = to.constant(node, "zeros", float32Tensor(new Float32Array(groups), [groups]));
  // Per group they meet [N, groups, the rest], per channel the image.
  const dims = isPerGroup ? [1, groups, 1] : [1, -1, ...Array.from({ length: rank - 2 }, () => 1)];
  const form = to.integers(node, "form", dims);
  const [factor, offset] = [value("factor"), value("offset")];
  const parameters = [operator("Reshape", [scale, form], factor), operator("Reshape", [bias, form], offset)];
  const toGroups = operator("Reshape", [x, to.integers(node, "groups", [0, groups, -1])], grouped);
  const normalize = operator("InstanceNormalization", [grouped, ones, zeros], normal, {
    epsilon: node.attributes["epsilon"] ?? { type: "float", value: 1e-5 },
  });
  const [y = ""] = node.outputs;
  const affine = (from: string, result: string): Node[] => [
    operator("Mul", [from, factor], scaled),
    { ...operator("Add", [scaled, offset], result), name: value("sum") },
  ];
  const back = (from: string, result: string): Node[] => [
    operator("Shape", [x], size),
    { ...operator("Reshape", [from, size], result), name: value("back") },
  ];
  const ends = isPerGroup
    ? [...affine(normal, whole), ...back(whole, y)]
    : [...back(normal, whole), ...affine(whole, y)];
  return [{ ...node, body: [toGroups, normalize, ...parameters, ...ends] }];
};

/** DFT since 20: input `axis` -> attribute, counted from the front as the default is not the same. */
export const dftAxisToAttribute: Converter = (node, to) => {
  const rank = to.shape(node, 0).length;
  const axis = to.constantIntegers(node, 2, "axis")?.[0] ?? -2;
  const attributes = { ...node.attributes, axis: int(axis < 0 ? axis + rank : axis) };
  return [{ ...node, inputs: node.inputs.slice(0, 2), attributes }];
};

/** RoiAlign before 16 had no half-pixel shift, which since then is the default. */
export const roiAlignOf10: Converter = (node) => {
  const coordinate_transformation_mode: Attribute = { type: "string", value: "output_half_pixel" };
  return [{ ...node, attributes: { ...node.attributes, coordinate_transformation_mode } }];
};

/** QuantizeLinear since 19: `saturate` is for float8; since 21 there are blocks and `output_dtype`. */
export const quantizeLinearOf13: Converter = (node, to) =>
  dropIfDefault({ block_size: 0, output_dtype: 0 })(
    { ...node, attributes: without(node.attributes, "saturate") },
    to,
  );
