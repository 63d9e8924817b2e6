/**
 * Several maps for one forward pass: all that depends on the target is copied once more, for K targets of each sample at a time.
 *
 * With R of [K·N, …] and values of the forward pass of [N, …], map after map, element-wise operators run on [K, N, …] and
 * broadcast; other operators get what they read of the forward pass K times (docs/rules.md §13). The forward pass and every
 * denominator are computed once.
 */

import type { CompileOptions } from "./compile-options.ts";
import type { Prepared } from "./prepare.ts";
import { OptionError, UnexplainableError } from "../errors.ts";
import { capturedBy, readBy, usesOf } from "../onnx/captures.ts";
import { fixedDims, int, type Dim, type Node, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { product } from "../onnx/operators/sizes.ts";
import { operators as operatorTable } from "../onnx/operators/table.ts";
import { ownerOf } from "../onnx/owners.ts";
import { channelsInput } from "../relevance/concepts.ts";
import { sideBySide } from "../relevance/ops/shapes.ts";
import type { Analysis } from "../relevance/analysis.ts";
import { traceAxes, wholeAxis, type AxisTrace } from "../relevance/axis-trace.ts";
import { oneHot } from "../relevance/seed.ts";
import type { AxisPlace } from "../relevance/site.ts";

/** What is to be copied, and how often. */
export interface SeveralMaps {
  readonly analysis: Analysis;
  /** How many maps, K. */
  readonly count: number;
  /** The size of the batch: a name that stands for nothing else. */
  readonly batch: string;
  /** The input that differs from map to map: targets, or channels of a layer. */
  readonly input: string;
  /** Where the targets are the best classes, the axis of these. */
  readonly rankedAxis: number | undefined;
}

/**
 * Several maps, if they are asked for.
 * @throws OptionError for a number that makes no sense, or a model whose batch is not open
 */
export function mapsAsked(
  { analysis, settings, facts, ends: [end] }: Prepared,
  { maps: count = 1, concepts }: CompileOptions,
): SeveralMaps | undefined {
  const { graph, b, batch } = analysis;
  const refuse = (why: string, fix: string): OptionError =>
    new OptionError({ what: `cannot compute ${count} maps in one pass`, why, fix });
  if (!Number.isInteger(count) || count < 1) throw refuse("it is a number from 1 on", "1 is the usual one");
  if (count === 1) return undefined;
  const isRanked = settings.target === "top1";
  if (!concepts && settings.seed === "softmax")
    throw refuse("the softmax of all classes is one thing to explain", "choose the seed logit");
  if (!concepts && !isRanked && settings.target !== "input")
    throw refuse(
      "the target is compiled in, and is one",
      'leave it out, or choose "top1" for the best classes',
    );
  if (isRanked && (concepts || facts.classAxis === undefined || facts.placeAxes.length > 0))
    throw refuse("no best classes can be told", "give the targets at run time");
  const input = b.value(end.origin);
  if (!batch)
    throw refuse(
      "the model mixes the samples of a batch, or has no batch",
      "compile for one map at a time: leave maps out",
    );
  const size = input.shape[batch.inputAxis];
  if (typeof size !== "string" || input.shape.filter((dim) => dim === size).length > 1)
    throw refuse(
      `its input "${input.name}" is [${input.shape.join(", ")}], without a batch axis of open size`,
      "export the model with a dynamic batch axis, or leave maps out",
    );
  const other = graph.inputs.find(
    ({ name, shape: [first] }) => name !== input.name && typeof first === "string" && first !== size,
  );
  if (other)
    throw refuse(
      `its inputs name their batch "${size}" and "${other.shape[0]}", so samples of both cannot be matched`,
      "export the model with one name for the batch axis, or leave maps out",
    );
  return {
    analysis,
    count,
    batch: size,
    input: concepts ? channelsInput : "target",
    rankedAxis: isRanked ? facts.classAxis : undefined,
  };
}

/**
 * @param ranked what ranks classes
 * @returns a function from a value that depends on the input to the same for K maps, [K·N, …], and from others to themselves
 * @throws UnexplainableError where samples cannot be told apart in what relevance reads of the forward pass
 */
export function severalMaps(request: SeveralMaps, ranked: Value): (result: Value) => Value {
  const { count, batch, input, rankedAxis } = request;
  const { b } = request.analysis;
  const one = b.value(input);
  const nodes = [...b.graph("").nodes];
  const forward = new ForwardValues(request, nodes);
  const isMany = product([count, batch]);
  const many =
    rankedAxis === undefined
      ? b.refine(
          one,
          one.shape.map((dim) => (dim === batch ? isMany : dim)),
        )
      : bestClasses(b, ranked, rankedAxis, count);
  const copies = new Map([[input, many]]);
  for (const node of nodes) {
    if (!readBy(node).some((name) => copies.has(name))) continue;
    refuseCaptures(node);
    const results =
      broadcast(node, copies, request) ??
      copied(b, node, (name) => copies.get(name) ?? forward.forMaps(name));
    for (const [i, name] of node.outputs.entries()) {
      const result = results[i];
      if (name !== "" && result) copies.set(name, result);
    }
  }
  return (result) => copies.get(result.name) ?? result;
}

/** The graph's inputs, with the sizes that they have for several maps; best classes are none. */
export const inputsOf = (
  inputs: readonly Value[],
  { analysis: { b }, input, rankedAxis }: SeveralMaps,
): Value[] =>
  inputs.flatMap((each) => {
    if (each.name !== input) return [each];
    return rankedAxis === undefined ? [b.value(input)] : [];
  });

/** One-hot over the classes, [K·N, classes]: at the best of each sample, then at the second … */
function bestClasses(b: GraphBuilder, ranked: Value, axis: number, count: number): Value {
  const [, indices] = b.ops("TopK", [ranked, b.integers([count])], { axis: int(axis) }, 2);
  const places = Array.from({ length: count }, (_, rank) =>
    oneHot(b, b.op("Gather", [indices, b.integers([rank])], { axis: int(axis) }), ranked, axis),
  );
  return sideBySide(b, places, 0);
}

/** Of names in the copies, which no exporter uses. */
const prefix = "lrp/maps/";

/** A node on other inputs, whose body reads them as well. */
function copied(b: GraphBuilder, node: Node, inputOf: (name: string) => Value): readonly Value[] {
  const names = new Map(readBy(node).map((name) => [name, inputOf(name).name]));
  for (const name of [node, ...(node.body ?? [])].flatMap(({ outputs }) => outputs))
    if (name !== "") names.set(name, prefix + name);
  return b.add({ ...renamed(node, names), owner: ownerOf(node) });
}

function renamed(node: Node, names: ReadonlyMap<string, string>): Node {
  const rename = (name: string): string => names.get(name) ?? name;
  return {
    ...node,
    name: prefix + node.name,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    ...(node.body && { body: node.body.map((part) => renamed(part, names)) }),
  };
}

/**
 * An element-wise operator on [K, N, …] and [N, …]: nothing is repeated.
 * @returns undefined where it has to be
 */
function broadcast(
  node: Node,
  copies: ReadonlyMap<string, Value>,
  { analysis: { b, operators }, count, batch }: SeveralMaps,
): readonly Value[] | undefined {
  const row = operators.rowOf(node);
  if (row?.kind !== "plain" || !row.elementwise || node.body || node.outputs.length !== 1) return undefined;
  const { shape } = b.value(node.outputs[0] as string);
  const sizes = fixedDims(shape.slice(1));
  if (shape[0] !== batch || !sizes) return undefined;
  const inputs: (Value | undefined)[] = [];
  let isShared = false;
  for (const name of node.inputs) {
    const value = name === "" ? undefined : b.value(name);
    const copy = copies.get(name);
    if (copy && value) {
      const own = fixedDims(value.shape.slice(1));
      if (value.shape.length !== shape.length || value.shape[0] !== batch || !own) return undefined;
      inputs.push(b.op("Reshape", [copy, b.integers([count, -1, ...own])]));
    } else {
      const hasSamples = value?.shape.includes(batch) === true;
      if (hasSamples && (value.shape.length !== shape.length || value.shape[0] !== batch)) return undefined;
      isShared ||= hasSamples;
      inputs.push(value);
    }
  }
  if (!isShared) return undefined;
  return [b.op("Reshape", [b.like(node, inputs), b.integers([-1, ...sizes])])];
}

/** Values of the forward pass, as K maps read them. */
class ForwardValues {
  readonly #request: SeveralMaps;
  readonly #made = new Map<string, Value>();
  readonly #b: GraphBuilder;
  readonly #nodes: readonly Node[];
  readonly #producers: ReadonlyMap<string, Node>;
  #places: AxisTrace | undefined;

  /** @param nodes all that compute one map */
  constructor(request: SeveralMaps, nodes: readonly Node[]) {
    this.#request = request;
    this.#b = request.analysis.b;
    this.#nodes = nodes;
    this.#producers = usesOf({ ...request.analysis.graph, nodes: [...nodes] }).producer;
  }

  /** @throws UnexplainableError where its samples cannot be told apart */
  forMaps(name: string): Value {
    const made = this.#made.get(name);
    if (made) return made;
    const value = this.#b.value(name);
    const result = this.#hasSamples(value) ? this.#repeated(value) : this.#ofSizes(value);
    this.#made.set(name, result);
    return result;
  }

  #hasSamples = ({ shape }: Value): boolean => shape.some((dim) => mentions(dim, this.#request.batch));

  /** [N, …] -> [K·N, …], map after map. */
  #repeated(value: Value): Value {
    const maps = Array.from({ length: this.#request.count }, () => value);
    return sideBySide(this.#b, maps, this.#axisOf(value));
  }

  /** The axis of samples, alone or with what is faster along it: heads that attention merges with them. */
  #axisOf(value: Value): number {
    const { batch } = this.#request;
    const axes = value.shape.flatMap((dim, axis) => (mentions(dim, batch) ? [axis] : []));
    const [axis = 0] = axes;
    if (axes.length > 1) throw notApart(value);
    if (value.shape[axis] === batch) return axis;
    const place = this.#placeOf(value);
    if (place?.axis !== axis || place.outer !== 1) throw notApart(value);
    return axis;
  }

  #placeOf({ name }: Value): AxisPlace | undefined {
    const { analysis, batch } = this.#request;
    const { operators, siteOf, isKnown } = analysis;
    const starts = this.#b.inputs.flatMap((input): [string, AxisPlace][] => {
      const axis = input.shape.indexOf(batch);
      return axis === -1 ? [] : [[input.name, wholeAxis(input, axis)]];
    });
    this.#places ??= traceAxes(
      { graph: { nodes: this.#nodes }, operators, siteOf, isKnown },
      new Map(starts),
    );
    return this.#places.get(name);
  }

  /** A value without samples may still be computed from their number: a size that a Reshape reads. */
  #ofSizes(value: Value): Value {
    const producer = this.#producers.get(value.name);
    if (!producer) return value;
    const read = readBy(producer);
    const readsSizes = operatorTable.get(producer.opType)?.ofSizes === true;
    // A mean over all samples, which K maps must not change.
    if (!readsSizes && read.some((name) => this.#hasSamples(this.#b.value(name)))) throw notApart(value);
    if (read.every((name) => this.forMaps(name).name === name)) return value;
    const results = copied(this.#b, producer, (name) => this.forMaps(name));
    for (const [i, name] of producer.outputs.entries()) {
      const result = results[i];
      if (name !== "" && result) this.#made.set(name, result);
    }
    return this.#made.get(value.name) ?? value;
  }
}

/** Whether a size is made of the number of samples. */
const mentions = (dim: Dim, batch: string): boolean =>
  typeof dim === "string" && (dim === batch || dim.split(/\W+/).includes(batch));

const notApart = ({ name, shape }: Value): UnexplainableError =>
  new UnexplainableError({
    what: "cannot compute several maps in one pass",
    where: `value "${name}", [${shape.join(", ")}]`,
    why: "the samples of a batch cannot be told apart there",
    fix: "compile a model for one map at a time: leave maps out",
  });

function refuseCaptures(node: Node): void {
  if (capturedBy(node).length === 0) return;
  throw new UnexplainableError({
    what: "cannot compute several maps in one pass",
    where: `${node.opType} "${node.name}"`,
    why: "the graph inside of it reads values around it, which are not the same for all maps",
    fix: "compile a model for one map at a time: leave maps out",
  });
}
