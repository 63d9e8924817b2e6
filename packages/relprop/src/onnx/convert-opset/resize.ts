/** Upsample (7, 9) and Resize (10, 11, 13, 18, 19) -> Resize of 13, which is that of 17. */

import { type Node, int, intsAttribute, numberAttribute, string, stringAttribute } from "../graph.ts";
import { float32Tensor } from "../tensor.ts";
import { type Conversion, type Converter, operator, without } from "./conversion.ts";

function scaledBy(node: Node, x: string, y: string, scales: string, mode: string, nearest: string): Node {
  const attributes = {
    mode: string(mode),
    coordinate_transformation_mode: string("asymmetric"),
    ...(mode === "nearest" && { nearest_mode: string(nearest) }),
  };
  return { ...node, opType: "Resize", inputs: [x, "", scales], outputs: [y], attributes };
}

/** Upsample: nearest is the element that the output's position falls into. */
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

/** Resize of 10: as Upsample, but axes that shrink take the next element instead of the one before. */
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

/** Resize of 11: absent inputs were empty tensors, and one way to transform coordinates had a name of its own. */
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
    throw to.refuse(node, "tf_half_pixel_for_nn is only known with nearest_mode floor");
  }
  const half = {
    coordinate_transformation_mode: string("half_pixel"),
    nearest_mode: string("round_prefer_ceil"),
  };
  return [{ ...plain, attributes: { ...node.attributes, ...half } }];
};

/** One size of the result: that of x, or one of the given ones. */
function sizeNode(
  node: Node,
  to: Conversion,
  axis: number,
  at: number,
): { name: string; nodes: readonly Node[] } {
  const name = to.name(`${node.name}_size${axis}`);
  const [x = "", , , sizes = ""] = node.inputs;
  if (at < 0)
    return { name, nodes: [operator("Shape", [x], name, { start: int(axis), end: int(axis + 1) })] };
  return { name, nodes: [operator("Gather", [sizes, to.integers(node, "at", [at])], name)] };
}

/** Resize since 18: scales and sizes of some axes -> of all; anti-aliasing and kept aspect ratios are new. */
export const resizeOf18: Converter = (node, to) => {
  if (numberAttribute(node, "antialias", 0) !== 0) throw to.refuse(node, "antialias came with opset 18");
  const policy = stringAttribute(node, "keep_aspect_ratio_policy", "stretch");
  if (policy !== "stretch") throw to.refuse(node, `keep_aspect_ratio_policy "${policy}" came with opset 18`);
  if (stringAttribute(node, "coordinate_transformation_mode", "") === "half_pixel_symmetric") {
    throw to.refuse(node, "half_pixel_symmetric came with opset 19");
  }
  const plain = {
    ...node,
    attributes: without(node.attributes, "antialias", "keep_aspect_ratio_policy", "axes"),
  };
  const axes = intsAttribute(node, "axes");
  if (!axes) return [plain];
  const rank = to.shape(node, 0).length;
  const places = Array.from({ length: rank }, (_, axis) =>
    axes.findIndex((a) => (a < 0 ? a + rank : a) === axis),
  );
  const [x = "", roi = "", scales = "", sizes = ""] = node.inputs;
  if (roi !== "" && stringAttribute(node, "coordinate_transformation_mode", "") === "tf_crop_and_resize") {
    throw to.refuse(node, "it crops some axes only");
  }
  if (scales !== "") {
    const some = to.constantNumbers(scales);
    if (!some) throw to.refuse(node, "its scales are computed at run time");
    const all = places.map((at) => some[at] ?? 1);
    return [{ ...plain, inputs: [x, "", to.constant(node, "scales", float32Tensor(all, [rank]))] }];
  }
  if (sizes === "") throw to.refuse(node, "it has neither scales nor sizes");
  const pieces = places.map((at, axis) => sizeNode(node, to, axis, at));
  const whole = to.name(`${node.name}_sizes`);
  const inputs = pieces.map(({ name }) => name);
  return [
    ...pieces.flatMap(({ nodes }) => nodes),
    operator("Concat", inputs, whole, { axis: int(0) }),
    { ...plain, inputs: [x, "", "", whole] },
  ];
};
