/** How deep in a network its convolutions stand: by the strides between the picture and them, and by the convolutions before. */

import { inferGraph } from "../onnx/infer-shapes.ts";
import { fixedDims, type Node, type Shape, type Value } from "../onnx/graph.ts";
import { sizeOf } from "../onnx/tensor.ts";
import type { Analysis } from "./analysis.ts";
import type { Depth } from "./depth-kind.ts";

/** The depth of all convolutions between the explained inputs and the output. */
export function convolutionDepths(analysis: Analysis): ReadonlyMap<Node, Depth> {
  const { rowOf, relevantInputs, relevantOutputs } = analysis.operators;
  const way = analysis.between();
  const isConvolution = (node: Node): boolean => rowOf(node)?.family === "convolution";
  const placesOf = spatialPlaces(analysis, way.filter(isConvolution));
  const after = new Map<string, State>(
    analysis.origins.map((name) => [name, { count: 0, stride: 1, places: placesOf(name, true) }]),
  );
  const found: { readonly node: Node; readonly count: number; readonly stride: number | undefined }[] = [];
  for (const node of way) {
    const states = relevantInputs(node).flatMap((name) => after.get(name) ?? []);
    const steps = rowOf(node)?.steps(node);
    const before = deepest(states);
    const state = steps ? behindWindow(before, steps, node, placesOf) : before;
    const count = isConvolution(node) ? state.count + 1 : state.count;
    if (isConvolution(node)) found.push({ node, count, stride: state.stride });
    for (const name of relevantOutputs(node)) after.set(name, { ...state, count });
  }
  const most = Math.max(...found.map(({ count }) => count));
  return new Map(found.map(({ node, count, stride }) => [node, { stride, depth: count / most }]));
}

/** What is known on the way to a value. */
interface State {
  /** Convolutions on the longest way to it. */
  readonly count: number;
  readonly stride: number | undefined;
  /** Its places when the stride was known last. */
  readonly places: Places | undefined;
}

/** How many places a picture has, and along how many axes they lie. */
interface Places {
  readonly count: number;
  readonly axes: number;
}

function deepest(states: readonly State[]): State {
  const [first = { count: 0, stride: undefined, places: undefined }] = states;
  const strides = states.toSorted((a, b) => (b.stride ?? 0) - (a.stride ?? 0));
  return { ...(strides[0] ?? first), count: Math.max(first.count, ...states.map(({ count }) => count)) };
}

/** Windows say what their stride is. Whatever else makes a picture smaller or larger before them is seen by its size. */
function behindWindow(
  { count, stride, places }: State,
  steps: readonly number[],
  { inputs: [input = ""], outputs: [output = ""] }: Node,
  placesOf: PlacesOf,
): State {
  const here = placesOf(input);
  const isSame = here === undefined || places === undefined || here.axes !== places.axes;
  const resized = isSame ? 1 : (places.count / here.count) ** (1 / here.axes);
  const step = steps.reduce((all, each) => all * each, 1) ** (1 / steps.length);
  const exact = stride === undefined ? undefined : stride * resized * step;
  // A root is not exact, and 15.999… is a stride of 16.
  return { count, stride: exact && Number(exact.toPrecision(6)), places: placesOf(output) };
}

/** Stands for open sizes: the usual strides divide it. */
const nominal = 1024;

/** The places of a value. @param isInput whether its channels may lie at the end */
type PlacesOf = (name: string, isInput?: boolean) => Places | undefined;

/** The places of values [N, C, …], with a number for each open size. */
function spatialPlaces({ graph, origins, value }: Analysis, convolutions: readonly Node[]): PlacesOf {
  const isOpen = convolutions.some(
    ({ outputs: [name = ""] }) => !fixedDims(value(name)?.shape.slice(2) ?? []),
  );
  const shapes = isOpen ? withNominalSizes(graph, origins) : undefined;
  return (name, isInput = false) => {
    const shape = (shapes?.get(name) ?? value(name))?.shape ?? [];
    const sizes = fixedDims(shape.slice(2));
    if (!sizes || sizes.length === 0) return undefined;
    // A picture has more places than lines times channels.
    const others = isInput ? fixedDims(shape.slice(1, -1)) : undefined;
    return { count: Math.max(sizeOf(sizes), others ? sizeOf(others) : 0), axes: sizes.length };
  };
}

/** Undefined where a network is made for one size, and does not say which. */
function withNominalSizes(
  graph: Analysis["graph"],
  origins: readonly string[],
): ReadonlyMap<string, Value> | undefined {
  const fixed = graph.inputs
    .filter(({ name }) => origins.includes(name))
    .map(({ name, shape }): [string, Shape] => [
      name,
      shape.map((dim) => (typeof dim === "number" ? dim : nominal)),
    ]);
  try {
    return inferGraph(graph, new Map(fixed));
  } catch {
    return undefined;
  }
}
