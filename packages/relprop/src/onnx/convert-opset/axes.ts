/** Operators whose axes, sizes or bounds moved between attributes and inputs. */

import { wrapped } from "../axis.ts";
import { int, ints, intsAttribute, numberAttribute, type Node } from "../graph.ts";
import { onnxNode } from "../operator-node.ts";
import { type Converter, withAttribute, without } from "./conversion.ts";
import { padByWrapping } from "./images.ts";

/** Squeeze, Unsqueeze, ReduceSum before 13: attribute `axes` -> input. */
export const axesToInput: Converter = (node, to) => {
  const axes = intsAttribute(node, "axes");
  if (!axes) return [node];
  const inputs = [node.inputs[0] ?? "", to.integers(node, "axes", axes)];
  return [{ ...node, inputs, attributes: without(node.attributes, "axes") }];
};

/** Reductions but ReduceSum since 18: input `axes` -> attribute; no axes mean all, or none with `noop_with_empty_axes`. */
export const axesToAttribute: Converter = (node, to) => {
  const axes = to.constantIntegers(node, 1, "axes") ?? [];
  const leavesAlone = numberAttribute(node, "noop_with_empty_axes", 0) !== 0;
  const inputs = node.inputs.slice(0, 1);
  const attributes = without(node.attributes, "noop_with_empty_axes");
  if (axes.length > 0)
    return [{ ...node, inputs, attributes: withAttribute(attributes, "axes", ints(axes)) }];
  if (!leavesAlone) return [{ ...node, inputs, attributes }];
  if (!["ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"].includes(node.opType)) {
    throw to.refuse(node, "it reduces no axis, and runtimes do not agree on its result");
  }
  return [{ ...node, opType: "Identity", inputs, attributes: {} }];
};

/** Split before 13: attribute `split` -> input. */
export const splitToInput: Converter = (node, to) => {
  const sizes = intsAttribute(node, "split");
  if (!sizes) return [node];
  const inputs = [node.inputs[0] ?? "", to.integers(node, "split", sizes)];
  return [{ ...node, inputs, attributes: without(node.attributes, "split") }];
};

/** Split since 18: `num_outputs` may leave a smaller part for the last output; Split of 17 makes equal parts only. */
export const splitWithoutCount: Converter = (node, to) => {
  const plain: Node = { ...node, attributes: without(node.attributes, "num_outputs") };
  const count = numberAttribute(node, "num_outputs", 0);
  if (count === 0) return [plain];
  const shape = to.shape(node, 0);
  const axis = numberAttribute(node, "axis", 0);
  const size = shape.at(axis);
  // If the size is unknown, the runtime checks that the parts are equal.
  if (typeof size !== "number" || size % count === 0) return [plain];
  const part = Math.ceil(size / count);
  const sizes = Array.from({ length: count }, (_, i) => Math.max(0, Math.min(part, size - i * part)));
  return [{ ...plain, inputs: [node.inputs[0] ?? "", to.integers(node, "split", sizes)] }];
};

/** Slice before 10: attributes -> inputs. */
export const sliceToInputs: Converter = (node, to) => {
  const inputs = [node.inputs[0] ?? ""];
  for (const name of ["starts", "ends", "axes"]) {
    const values = intsAttribute(node, name);
    if (values) inputs.push(to.integers(node, name, values));
  }
  return [{ ...node, inputs, attributes: {} }];
};

/** TopK before 10: attribute `k` -> input. */
export const countToInput: Converter = (node, to) => {
  const k = to.integers(node, "k", [numberAttribute(node, "k", 1)]);
  return [{ ...node, inputs: [node.inputs[0] ?? "", k], attributes: without(node.attributes, "k") }];
};

/** Pad before 11: attributes -> inputs. */
export const padToInputs: Converter = (node, to) => {
  const data = node.inputs[0] ?? "";
  const inputs = [data, to.integers(node, "pads", intsAttribute(node, "pads") ?? [])];
  const value = numberAttribute(node, "value", 0);
  if (value !== 0) inputs.push(to.number(node, "value", value, to.info(data)?.dataType));
  return [{ ...node, inputs, attributes: without(node.attributes, "pads", "value") }];
};

/** Pad since 18: pads of some axes -> pads of all axes. Mode `wrap` came with 19. */
export const padAllAxes: Converter = (node, to) => {
  const mode = node.attributes["mode"];
  if (mode?.type === "string" && mode.value === "wrap") return padByWrapping(node, to);
  const axes = to.constantIntegers(node, 3, "axes");
  const [data = "", pads = "", value = ""] = node.inputs;
  const inputs = value === "" ? [data, pads] : [data, pads, value];
  if (!axes) return [{ ...node, inputs }];
  const some = to.constantIntegers(node, 1, "pads") ?? [];
  const rank = to.shape(node, 0).length;
  const all = Array.from({ length: 2 * rank }, () => 0);
  for (const [i, given] of axes.entries()) {
    const axis = wrapped(given, rank);
    all[axis] = some[i] ?? 0;
    all[axis + rank] = some[i + axes.length] ?? 0;
  }
  return [{ ...node, inputs: inputs.with(1, to.integers(node, "pads", all)) }];
};

/**
 * Softmax, LogSoftmax, Hardmax before 13 work on the matrix [axes before `axis`, other axes], since 13 along one axis. Both
 * are the same if only one of the other axes is longer than 1; else the tensor is reshaped to the matrix and back.
 */
export const softmaxAlongOneAxis: Converter = (node, to) => {
  const [x = ""] = node.inputs;
  const [y = ""] = node.outputs;
  const axis = numberAttribute(node, "axis", 1);
  const shape = to.info(x)?.shape;
  if (shape) {
    const first = wrapped(axis, shape.length);
    const long = shape.slice(first).flatMap((dim, i) => (dim === 1 ? [] : [first + i]));
    if (long.length <= 1) return [{ ...node, attributes: { axis: int(long[0] ?? shape.length - 1) } }];
  }
  const [matrix, soft, size] = [
    to.name(`${node.name}_matrix`),
    to.name(`${node.name}_rows`),
    to.name(`${node.name}_shape`),
  ];
  return [
    onnxNode("Flatten", [x], [matrix], { axis: int(axis) }),
    { ...node, inputs: [matrix], outputs: [soft], attributes: { axis: int(-1) } },
    onnxNode("Shape", [x], [size]),
    onnxNode("Reshape", [soft, size], [y]),
  ];
};
