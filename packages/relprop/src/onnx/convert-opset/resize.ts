/** Converts Upsample (7, 9) and Resize (10, 11, 13, 18, 19) to Resize of 13, which is that of 17. */

import { wrapped } from "../axis.ts";
import { type Node, int, intsAttribute, numberAttribute, string, stringAttribute } from "../graph.ts";
import { onnxNode } from "../operator-node.ts";
import { float32Tensor } from "../tensor.ts";
import { type Conversion, type Converter, without } from "./conversion.ts";

function scaledBy(node: Node, x: string, y: string, scales: string, mode: string, nearest: string): Node {
  const attributes = {
    mode: string(mode),
    coordinate_transformation_mode: string("asymmetric"),
    ...(mode === "nearest" && { nearest_mode: string(nearest) }),
  };
  return onnxNode("Resize", [x, "", scales], [y], attributes, node.name);
}

/** Upsample, whose mode nearest takes the element that the position in the output falls into. */
export const upsampleToResize: Converter = (node, to) => {
  const [x = "", given] = node.inputs;
  const attribute = node.attributes["scales"];
  const scales =
    attribute?.type === "floats"
      ? to.constant(node, "scales", float32Tensor(attribute.value, [attribute.value.length]))
      : (given ?? "");
  return [
    scaledBy(node, x, node.outputs[0] ?? "", scales, stringAttribute(node, "mode", "nearest"), "floor"),
  ];
};

/** Resize of 10, which differs from Upsample in axes that shrink: they take the next element. */
export const resizeOf10: Converter = (node, to) => {
  const [x = "", given = ""] = node.inputs;
  const [y = ""] = node.outputs;
  const mode = stringAttribute(node, "mode", "nearest");
  if (mode !== "nearest") return [scaledBy(node, x, y, given, mode, "")];
  const scales = to.constantNumbers(given);
  if (!scales) throw to.refuse(node, "its scales are computed at run time");
  const isGrowing = scales.every((scale) => scale >= 1);
  if (isGrowing || scales.every((scale) => scale <= 1)) {
    return [scaledBy(node, x, y, given, mode, isGrowing ? "floor" : "ceil")];
  }
  const part = (what: string, keeps: (scale: number) => boolean): string => {
    const some = scales.map((scale) => (keeps(scale) ? scale : 1));
    return to.constant(node, what, float32Tensor(some, [some.length]));
  };
  const grown = to.name(`${node.name}_grown`);
  const grow = scaledBy(
    node,
    x,
    grown,
    part("grow", (scale) => scale >= 1),
    mode,
    "floor",
  );
  const shrink = scaledBy(
    node,
    grown,
    y,
    part("shrink", (scale) => scale < 1),
    mode,
    "ceil",
  );
  return [{ ...grow, name: grown }, shrink];
};

/** Resize of 11, where absent inputs were empty tensors, and one coordinate transformation had another name. */
export const resizeOf11: Converter = (node, to) => {
  const isEmpty = (name: string): boolean => to.info(name)?.constant?.bytes.length === 0;
  const transformation = stringAttribute(node, "coordinate_transformation_mode", "half_pixel");
  const inputs = node.inputs.map((name, i) => {
    const needsRoi = transformation === "tf_crop_and_resize";
    return i > 0 && (isEmpty(name) || (i === 1 && !needsRoi)) ? "" : name;
  });
  const plain = { ...node, inputs };
  if (transformation !== "tf_half_pixel_for_nn") return [plain];
  // (x + ½)/scale rounded down is (x + ½)/scale - ½ rounded half up.
  const isFloor = stringAttribute(node, "nearest_mode", "round_prefer_floor") === "floor";
  if (!isFloor || stringAttribute(node, "mode", "nearest") !== "nearest") {
    throw to.refuse(node, "tf_half_pixel_for_nn is supported with nearest_mode floor only");
  }
  const half = {
    coordinate_transformation_mode: string("half_pixel"),
    nearest_mode: string("round_prefer_ceil"),
  };
  return [{ ...plain, attributes: { ...node.attributes, ...half } }];
};

/** Computes one size of the result: that of x (`at` < 0), or a given one. */
function sizeNode(
  node: Node,
  to: Conversion,
  axis: number,
  at: number,
): { name: string; nodes: readonly Node[] } {
  const name = to.name(`${node.name}_size${axis}`);
  const [x = "", , , sizes = ""] = node.inputs;
  if (at < 0)
    return { name, nodes: [onnxNode("Shape", [x], [name], { start: int(axis), end: int(axis + 1) })] };
  return { name, nodes: [onnxNode("Gather", [sizes, to.integers(node, "at", [at])], [name])] };
}

/** For each axis the index of its scale or size among the given ones, or -1. */
function placesOf(node: Node, rank: number): readonly number[] {
  const axes = intsAttribute(node, "axes") ?? Array.from({ length: rank }, (_, axis) => axis);
  return Array.from({ length: rank }, (_, axis) => axes.findIndex((a) => wrapped(a, rank) === axis));
}

/** Sizes of the input and their scales; undefined if one of them is unknown. */
function knownScales(node: Node, to: Conversion): readonly { size: number; scale: number }[] | undefined {
  const [x, , scales, sizes] = node.inputs;
  const shape = to.info(x)?.shape;
  const given = to.constantNumbers(scales || sizes);
  if (!shape || !given) return undefined;
  const known = placesOf(node, shape.length).map((at, axis) => {
    const size = shape[axis];
    if (at < 0) return { size: typeof size === "number" ? size : 1, scale: 1 };
    const value = given[at];
    if (value === undefined || typeof size !== "number") return undefined;
    return { size, scale: scales ? value : value / size };
  });
  return known.every((each) => each !== undefined) ? known : undefined;
}

/**
 * keep_aspect_ratio_policy: all axes get the smallest (`not_larger`) or largest of the scales that the sizes ask for. Sizes
 * are rounded to the nearest, but opset 17 rounds down, so scales are adjusted.
 */
function withOneScale(node: Node, to: Conversion, policy: string): string {
  const known = knownScales(node, to);
  if (!known) throw to.refuse(node, `its sizes are computed at run time, and its policy is ${policy}`);
  const places = placesOf(node, known.length);
  const chosen = known.flatMap(({ scale }, axis) => ((places[axis] ?? -1) < 0 ? [] : [scale]));
  const one = policy === "not_larger" ? Math.min(...chosen) : Math.max(...chosen);
  const all = known.map(({ size }, axis) => {
    if ((places[axis] ?? -1) < 0) return 1;
    const wanted = Math.floor(one * size + 0.5);
    // Rounding a scale to float32 may lose one element.
    const scale = Math.fround(one) * size < wanted ? Math.fround(one * (1 + 2 ** -22)) : Math.fround(one);
    if (Math.floor(Math.fround(scale * size)) !== wanted) {
      throw to.refuse(node, `its policy ${policy} rounds ${one * size} elements to ${wanted}`);
    }
    return scale;
  });
  return to.constant(node, "scales", float32Tensor(all, [all.length]));
}

/** half_pixel_symmetric equals half_pixel if scales result in whole sizes. */
function symmetric(node: Node, to: Conversion): Node {
  if (stringAttribute(node, "coordinate_transformation_mode", "") !== "half_pixel_symmetric") return node;
  const [, , scales] = node.inputs;
  const isWhole = knownScales(node, to)?.every(({ size, scale }) => Number.isInteger(size * scale));
  if (scales && !isWhole)
    throw to.refuse(node, "half_pixel_symmetric came with opset 19, and its sizes are not whole numbers");
  const coordinate_transformation_mode = string("half_pixel");
  return { ...node, attributes: { ...node.attributes, coordinate_transformation_mode } };
}

/**
 * Resize since 18: scales and sizes of some axes become those of all. Anti-aliasing, which is new, has an effect only on axes
 * that shrink; aspect-ratio policies and symmetric half pixels are new as well.
 */
export const resizeOf18: Converter = (given, to) => {
  const node = symmetric(given, to);
  const shrinks = !knownScales(node, to)?.every(({ scale }) => scale >= 1);
  if (numberAttribute(node, "antialias", 0) !== 0 && shrinks)
    throw to.refuse(node, "antialias came with opset 18");
  const plain = {
    ...node,
    attributes: without(node.attributes, "antialias", "keep_aspect_ratio_policy", "axes"),
  };
  const [x = "", roi = "", , sizes = ""] = node.inputs;
  const policy = stringAttribute(node, "keep_aspect_ratio_policy", "stretch");
  if (policy !== "stretch" && sizes !== "")
    return [{ ...plain, inputs: [x, roi, withOneScale(node, to, policy)] }];
  if (!intsAttribute(node, "axes")) return [plain];
  const rank = to.shape(node, 0).length;
  const places = placesOf(node, rank);
  if (stringAttribute(node, "coordinate_transformation_mode", "") === "tf_crop_and_resize") {
    const some = to.constantNumbers(roi);
    if (!some) throw to.refuse(node, "it crops some axes only, and the region is computed at run time");
    const count = some.length / 2;
    const starts = places.map((at) => (at < 0 ? 0 : (some[at] ?? 0)));
    const ends = places.map((at) => (at < 0 ? 1 : (some[at + count] ?? 1)));
    const whole = to.constant(node, "roi", float32Tensor([...starts, ...ends], [2 * rank]));
    return resizeAll(node, to, plain, places, whole);
  }
  return resizeAll(node, to, plain, places, "");
};

/** Resize of all axes; the scale of an axis that is not given is 1. */
function resizeAll(
  node: Node,
  to: Conversion,
  plain: Node,
  places: readonly number[],
  roi: string,
): readonly Node[] {
  const [x = "", , scales = "", sizes = ""] = node.inputs;
  if (scales !== "") {
    const some = to.constantNumbers(scales);
    if (!some) throw to.refuse(node, "its scales are computed at run time");
    const all = places.map((at) => some[at] ?? 1);
    return [{ ...plain, inputs: [x, roi, to.constant(node, "scales", float32Tensor(all, [all.length]))] }];
  }
  if (sizes === "") throw to.refuse(node, "it has neither scales nor sizes");
  const pieces = places.map((at, axis) => sizeNode(node, to, axis, at));
  const whole = to.name(`${node.name}_sizes`);
  const inputs = pieces.map(({ name }) => name);
  return [
    ...pieces.flatMap(({ nodes }) => nodes),
    onnxNode("Concat", inputs, [whole], { axis: int(0) }),
    { ...plain, inputs: [x, roi, "", whole] },
  ];
}
