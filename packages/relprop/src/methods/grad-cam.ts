import type { Compiled } from "../compile/compile.ts";
import { OptionError } from "../errors.ts";
import { int, ints, string, type Model, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { channelAxis } from "../relevance/seed.ts";
import { finish, gradientGraph } from "./gradient-graph.ts";
import type { GradCamOptions } from "./options.ts";

/** Compiles Grad-CAM, see {@link GradCamOptions}. */
export function gradCam(source: Model, options: GradCamOptions): Compiled {
  const { method, layer: wanted = "last-map", reduce, ...shared } = options;
  if (reduce !== undefined && reduce !== "channels") {
    throw new OptionError({
      what: `reduce cannot be "${String(reduce)}" with grad-cam`,
      why: "its relevance is always [N, H, W], without channels",
      fix: "leave reduce out",
    });
  }
  const open = gradientGraph(source, shared, { method, layer: wanted });
  const { b, compiled, gradient } = open;
  const { input, layer } = compiled;
  for (const { name, shape } of [input, layer]) {
    if (shape.length === 4) continue;
    throw new OptionError({
      what: "grad-cam needs images and feature maps",
      where: `tensor "${name}"`,
      why: `it has the shape [${shape.join(", ")}], not [N, C, H, W]`,
      fix: "name a layer that has that shape, or choose input-x-gradient",
    });
  }
  const weights = b.op("ReduceMean", [gradient], { axes: ints([2, 3]), keepdims: int(1) });
  const weighted = b.op("Mul", [weights, b.value(layer.name)]);
  const map = b.op("Relu", [b.op("ReduceSum", [weighted, b.integers([1])], { keepdims: int(1) })]);
  const resized = resizeTo(b, map, input);
  return finish(
    open,
    b.op("Squeeze", [resized, b.integers([1])]),
    { ...shared, method },
    { layer: layer.name },
    true,
  );
}

/** [N, 1, h, w] -> [N, 1, H, W], bilinear, pixel centres aligned. */
function resizeTo(b: GraphBuilder, map: Value, input: Value): Value {
  const first = channelAxis(input) === 1 ? 2 : 1;
  const spatial = input.shape.slice(first, first + 2);
  const size = spatial.every((dim) => typeof dim === "number")
    ? b.integers(spatial)
    : b.op("Shape", [b.value(input.name)], { start: int(first), end: int(first + 2) });
  const batch = b.op("Shape", [map], { start: int(0), end: int(2) });
  const sizes = b.op("Concat", [batch, size], { axis: int(0) });
  return b.op("Resize", [map, undefined, undefined, sizes], {
    mode: string("linear"),
    coordinate_transformation_mode: string("half_pixel"),
  });
}
