/** Fixes inputs of a model to constants: a sampling rate, a switch between modes, a number of steps. */

import { OptionError } from "../errors.ts";
import type { Model, Tensor, Value } from "../onnx/graph.ts";
import { numbersTensor } from "../onnx/numbers-tensor.ts";
import { isFloat, numbersOf, sizeOf } from "../onnx/tensor.ts";
import { suggestion } from "../suggestion.ts";

/** The content of a fixed input: a number, yes or no, or a few of them in row-major order. */
export type FixedValue = number | boolean | readonly (number | boolean)[];

/**
 * Inputs with the constants that they are fixed to, by name.
 * @example { sr: 16000, causal: true, scale: [1, 2] }
 */
export type FixedInputs = Readonly<Record<string, FixedValue>>;

/** The most numbers that an input is fixed to: settings are few, and data are not fixed. */
const mostNumbers = 4096;

/** The inputs that a run has to be given. */
const givenInputs = ({ graph }: Model): readonly Value[] =>
  graph.inputs.filter(({ name }) => !graph.initializers.has(name));

/** Whether an input is a single number, or a yes or no: a setting that can be fixed. */
export const isSetting = ({ dataType, shape }: Pick<Value, "dataType" | "shape">): boolean =>
  dataType !== "string" && shape.every((dim) => dim === 1);

const inputText = ({ name, dataType, shape }: Value): string => `"${name}" ${dataType} [${shape.join(", ")}]`;

/**
 * The model with inputs as constants. They are no longer among its inputs; what is computed from them alone is folded, and
 * control flow that depends on them is opened.
 * @param explained names of inputs that are to be explained
 * @throws OptionError for an input that the model does not have, a value that it cannot hold, or an input that is explained
 */
export function fixInputs(model: Model, fixed: FixedInputs = {}, explained: readonly string[] = []): Model {
  const names = Object.keys(fixed);
  if (names.length === 0) return model;
  const { graph } = model;
  const initializers = new Map(graph.initializers);
  for (const [name, value] of Object.entries(fixed)) {
    const input = graph.inputs.find((each) => each.name === name);
    if (!input) throw noInput(model, name);
    if (explained.includes(name))
      throw cannotFix(input, "it is what is explained", `explain another of ${listed(model)}`);
    initializers.set(name, constantFor(input, value));
  }
  const inputs = graph.inputs.filter(({ name }) => !names.includes(name));
  const left = { ...model, graph: { ...graph, inputs, initializers } };
  const canCarry = givenInputs(left).some(({ dataType, shape }) => isFloat(dataType) || shape.length > 0);
  if (canCarry) return left;
  throw new OptionError({
    what: `cannot fix ${names.map((name) => `"${name}"`).join(", ")}`,
    why: "no input that could be explained would be left",
    fix: `leave out the one that is explained; the model's inputs are ${listed(model)}`,
  });
}

const listed = (model: Model): string => givenInputs(model).map(inputText).join(", ");

function noInput(model: Model, name: string): OptionError {
  const near = suggestion(
    name,
    givenInputs(model).map((each) => each.name),
  );
  return new OptionError({
    what: `cannot fix the input "${name}"`,
    why: `the model has no input of that name; its inputs are ${listed(model)}`,
    ...near,
  });
}

const cannotFix = (input: Value, why: string, fix?: string): OptionError =>
  new OptionError({
    what: `cannot fix the input ${inputText(input)}`,
    why,
    ...(fix !== undefined && { fix }),
  });

function constantFor(input: Value, value: FixedValue): Tensor {
  const given = typeof value === "object" ? value : [value];
  const { dataType } = input;
  if (dataType === "string") throw cannotFix(input, "it takes texts, and only numbers can be fixed");
  const numbers = given.map((each) => {
    if (typeof each === "number" || dataType === "bool") return Number(each);
    throw cannotFix(input, `it takes ${dataType}, and ${String(each)} is none`, "give a number");
  });
  const dims = dimsFor(input, numbers.length);
  const tensor = numbersTensor(dataType, numbers, dims, (why) => cannotFix(input, why));
  const tooLarge = isFloat(dataType)
    ? numbers.find((number, i) => Number.isFinite(number) && !Number.isFinite(numbersOf(tensor)[i]))
    : undefined;
  if (tooLarge === undefined) return tensor;
  throw cannotFix(input, `${tooLarge} is more than ${dataType} holds`);
}

/** The sizes of an input for this many numbers. One size that the model leaves open follows from them. */
function dimsFor(input: Value, count: number): number[] {
  const open = input.shape.filter((dim) => typeof dim === "string").length;
  const known = sizeOf(input.shape.map((dim) => (typeof dim === "number" ? dim : 1)));
  // With one number, open sizes are 1; of several they share one.
  const rest = open === 1 || count === known ? count / known : Number.NaN;
  const dims = input.shape.map((dim) => (typeof dim === "number" ? dim : rest));
  if (Number.isInteger(rest) && rest > 0 && sizeOf(dims) === count && count <= mostNumbers) return dims;
  const takes = open === 0 ? `${known}` : open === 1 && known > 1 ? `a multiple of ${known}` : "several";
  throw cannotFix(
    input,
    count > mostNumbers
      ? `${count} numbers are data and no setting`
      : `it takes ${takes} number${takes === "1" ? "" : "s"}, and ${count} ${count === 1 ? "is" : "are"} given`,
    "give its numbers one after the other, or feed it in each run",
  );
}
