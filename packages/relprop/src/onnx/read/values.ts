/** Reads the inputs and outputs of a graph. */

import { ModelFileError } from "../../errors.ts";
import { dataTypeName, readTypeOf } from "../data-types.ts";
import type { DataType, Dim, Shape, Value } from "../graph.ts";
import type { TensorShapeProto, ValueInfoProto } from "../onnx_pb.ts";
import { type Source, refuse } from "./source.ts";
import { maxRank } from "./tensor.ts";

/** An input or output as the file declares it; exporters leave out types and shapes of outputs. */
export interface Declared {
  readonly name: string;
  readonly dataType: DataType | undefined;
  readonly shape: Shape | undefined;
}

/** Whether the file declares type and shape. */
export const isComplete = (declared: Declared): declared is Value =>
  declared.dataType !== undefined && declared.shape !== undefined;

/** Makes unique names for sizes that have none. */
export class DimNames {
  readonly #taken: Set<string>;

  constructor(infos: readonly ValueInfoProto[]) {
    const dims = infos.flatMap(({ type }) =>
      type?.value.case === "tensorType" ? (type.value.value.shape?.dim ?? []) : [],
    );
    this.#taken = new Set(dims.flatMap(({ value }) => (value.case === "dimParam" ? [value.value] : [])));
  }

  /** A name that no other size has. */
  make(base: string): string {
    let name = base;
    for (let i = 2; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#taken.add(name);
    return name;
  }
}

function readShape(
  source: Source,
  shape: TensorShapeProto,
  name: string,
  where: string,
  names: DimNames,
): Shape {
  if (shape.dim.length > maxRank) {
    throw refuse(source, { where, why: `it has ${shape.dim.length} axes, more than ${maxRank}` });
  }
  return shape.dim.map(({ value }, axis): Dim => {
    if (value.case === "dimParam" && value.value !== "") return value.value;
    // Some exporters write -1 for an open size.
    if (value.case !== "dimValue" || value.value === -1n) return names.make(`${name}_dim${axis}`);
    if (value.value < 0n || value.value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw refuse(source, { where, why: `it has a size of ${value.value}` });
    }
    return Number(value.value);
  });
}

/** What a file says of a value in between; nothing where that is no tensor, or makes no sense. */
export function readHint(source: Source, info: ValueInfoProto, names: DimNames): Value | undefined {
  try {
    const declared = readValue(source, info, "value", names);
    return isComplete(declared) ? declared : undefined;
  } catch (error) {
    if (error instanceof ModelFileError) return undefined;
    throw error;
  }
}

/**
 * Reads the declaration of an input, an output or a value in between.
 * @param role "input", "output" or "value"
 * @throws ModelFileError if it is not a tensor, or of a type that relprop does not read
 */
export function readValue(source: Source, info: ValueInfoProto, role: string, names: DimNames): Declared {
  const where = `${role} "${info.name}"`;
  const type = info.type?.value;
  if (type?.case === undefined) return { name: info.name, dataType: undefined, shape: undefined };
  if (type.case !== "tensorType") {
    const why = `its type is ${type.case.replace("Type", "")}, and relprop reads tensors only`;
    throw refuse(source, { where, why, fix: "export the model with tensors for inputs and outputs" });
  }
  const { elemType, shape } = type.value;
  const dataType = readTypeOf(elemType)?.dataType;
  if (!dataType && elemType !== 0) {
    throw refuse(source, {
      where,
      why: `its elements are of type ${dataTypeName(elemType)}, which relprop does not read`,
    });
  }
  return { name: info.name, dataType, shape: shape && readShape(source, shape, info.name, where, names) };
}
