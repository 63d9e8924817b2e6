/** What relevance reads of the forward pass, for several maps of each sample. */

import { UnexplainableError } from "../errors.ts";
import { readBy, usesOf } from "../onnx/captures.ts";
import type { Dim, Node, Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";
import { operators as operatorTable } from "../onnx/operators/table.ts";
import type { Analysis } from "../relevance/analysis.ts";
import { traceAxes, wholeAxis, type AxisTrace } from "../relevance/axis-trace.ts";
import { sideBySide } from "../relevance/ops/shapes.ts";
import type { AxisPlace } from "../relevance/site.ts";
import { copied } from "./copied-node.ts";

/** For how many maps, and what counts samples. */
export interface MapCount {
  readonly analysis: Analysis;
  /** How many maps, K. */
  readonly count: number;
  /** The size of the batch: a name that stands for nothing else. */
  readonly batch: string;
}

/** Values of the forward pass, as K maps read them. */
export class ForwardValues {
  readonly #request: MapCount;
  readonly #made = new Map<string, Value>();
  readonly #b: GraphBuilder;
  readonly #nodes: readonly Node[];
  readonly #producers: ReadonlyMap<string, Node>;
  #places: AxisTrace | undefined;

  /** @param nodes all that compute one map */
  constructor(request: MapCount, nodes: readonly Node[]) {
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
