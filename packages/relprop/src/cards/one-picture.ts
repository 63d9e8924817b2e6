/** Models that take one picture and no batch, [C, H, W], [H, W, C] or [H, W], as torchvision's detectors are exported. */

import { renamedNode } from "../canonicalize/inline-subgraph.ts";
import { namer } from "../canonicalize/rewrite.ts";
import { ints, type Dim, type Model, type Node, type Shape, type Value } from "../onnx/graph.ts";
import { int64Tensor } from "../onnx/tensor.ts";
import type { InputCard } from "./model-card.ts";

/** A model whose picture has a batch of one. */
export interface Batched {
  /** The model, whose picture has an axis of size 1 before its own. */
  readonly model: Model;
  /** The axes that its own input has, in words: `[C, H, W]`; undefined if it has a batch itself, or takes no picture. */
  readonly own?: string;
}

/** The axes of size 1 that make a batch of a picture, and what the picture's own are. */
interface Form {
  readonly own: string;
  readonly added: readonly number[];
}

const colourFirst: Form = { own: "[C, H, W]", added: [0] };
const colourLast: Form = { own: "[H, W, C]", added: [0] };
const gray: Form = { own: "[H, W]", added: [0, 1] };

/** Shorter sides are rather numbers of features. */
const leastSide = 16;

const isSize = (dim: Dim | undefined): boolean => typeof dim === "number" && dim >= leastSide;
const isNamed = (dim: Dim | undefined): boolean =>
  typeof dim === "string" && /^(h|w|height|width|rows?|columns?|cols?|y|x)\b|height|width/i.test(dim);
const isSide = (dim: Dim | undefined): boolean => isSize(dim) || isNamed(dim);
const isBatch = (dim: Dim | undefined): boolean =>
  typeof dim === "string" && /^(n|b|bs)$|batch|samples/i.test(dim);

const canBe = (dim: Dim | undefined): boolean => dim === 1 || dim === 3 || typeof dim === "string";
const isOpen = (dim: Dim | undefined): boolean => typeof dim === "string" && !isBatch(dim);
const isAny = (dim: Dim | undefined): boolean => isSize(dim) || isOpen(dim);

/**
 * How a shape without a batch is a picture; undefined if it may as well be samples, signals or tokens. Colours are 1 or 3;
 * sides are numbers of 16 or more, or are called height and width. Behind three colours they may have any names.
 * @param layout if the user says the order of the axes, sizes need not
 */
function formOf(shape: Shape, layout: InputCard["layout"] | undefined): Form | undefined {
  const [first, second, third] = shape;
  if (shape.length === 2) {
    const areSides = isSide(first) && isSide(second);
    return areSides || layout !== undefined ? gray : undefined;
  }
  if (shape.length !== 3) return undefined;
  if (layout === "NCHW" && canBe(first)) return colourFirst;
  if (layout === "NHWC" && canBe(third)) return colourLast;
  if (first === 3 && isAny(second) && isAny(third)) return colourFirst;
  if (first === 1 && isSide(second) && isSide(third)) return colourFirst;
  if ((third === 3 || third === 1) && isSide(first) && isSide(second)) return colourLast;
  return undefined;
}

const canBeColours = ({ shape }: Value): boolean =>
  [1, 3].includes(Number(shape[1])) || [1, 3].includes(Number(shape[3]));

const isWhole = ({ dataType }: Value): boolean => dataType === "uint8" || dataType === "int32";

/**
 * The input of pictures: the one that is named, else the first floating-point one; where there is none, the first one of
 * whole numbers with colours, as TensorFlow's detectors take them.
 */
export function pictureOf({ inputs }: Pick<Model["graph"], "inputs">, name?: string): Value | undefined {
  if (name !== undefined) return inputs.find((each) => each.name === name);
  return (
    inputs.find(({ dataType }) => dataType.startsWith("float")) ??
    inputs.find((each) => each.shape.length === 4 && isWhole(each) && canBeColours(each))
  );
}

/** Whether an input takes pictures: a batch of them, or one. */
export const takesPicture = ({ shape }: Pick<Value, "shape">): boolean =>
  shape.length === 4 || formOf(shape, undefined) !== undefined;

/** What is guessed of a model's own axes, in words. */
export const onePicture = (own: string | undefined): readonly string[] =>
  own === undefined ? [] : [`one picture, ${own}, at a time`];

/**
 * The model with a batch of one before its picture; a model that has one, or takes no picture, as it is. The outputs do not
 * change.
 * @param name of the input, by default the first floating-point one
 */
export function withBatchOfOne(
  model: Model,
  name: string | undefined,
  layout: InputCard["layout"] | undefined,
): Batched {
  const { graph } = model;
  const input = pictureOf(graph, name);
  const form = input && formOf(input.shape, layout);
  if (!input || !form || graph.outputs.some((output) => output.name === input.name)) return { model };
  const free = namer(graph);
  const [inner, axes] = [free(`${input.name}.one`), free(`${input.name}.axes`)];
  const isOld = (model.opsets[""] ?? 0) < 13;
  const squeeze: Node = {
    name: free(`${input.name}.squeeze`),
    opType: "Squeeze",
    domain: "",
    inputs: isOld ? [input.name] : [input.name, axes],
    outputs: [inner],
    attributes: isOld ? { axes: ints(form.added) } : {},
  };
  const initializers = new Map(graph.initializers);
  if (!isOld) initializers.set(axes, int64Tensor(form.added));
  const names = new Map([[input.name, inner]]);
  const batched = { ...input, shape: [...form.added.map(() => 1), ...input.shape] };
  return {
    own: form.own,
    model: {
      ...model,
      graph: {
        ...graph,
        inputs: graph.inputs.map((each) => (each === input ? batched : each)),
        initializers,
        nodes: [squeeze, ...graph.nodes.map((node) => renamedNode(node, names))],
      },
    },
  };
}
