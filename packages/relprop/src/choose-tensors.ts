/** Which input and which output are explained. */

import { OptionError } from "./errors.ts";
import { usesOf, type Graph } from "./onnx/graph.ts";
import { channelAxis } from "./relevance/seed.ts";
import { suggestion } from "./suggestion.ts";

/** What of {@link CompileOptions} is about tensors. */
export interface TensorOptions {
  /** The input that relevance goes to. @default the first that holds numbers */
  readonly input?: string;
  /** The output that is explained. @default the first */
  readonly output?: string;
  /** Height and width of the input, in elements, where the model leaves them open. */
  readonly size?: readonly [height: number, width: number];
}

/** The explained input, its size fixed if the caller gave one. */
export function chooseInput(graph: Graph, options: TensorOptions): { graph: Graph; name: string } {
  const names = graph.inputs.map((input) => input.name);
  const wanted =
    options.input ?? graph.inputs.find((input) => input.dataType.startsWith("float"))?.name ?? names[0];
  const chosen = graph.inputs.find((input) => input.name === wanted);
  if (!chosen) {
    throw new OptionError({
      what: `the model has no input "${wanted}"`,
      why: `its inputs are ${names.join(", ")}`,
      ...suggestion(wanted ?? "", names),
    });
  }
  if (!options.size) return { graph, name: chosen.name };
  if (chosen.shape.length !== 4) {
    throw new OptionError({
      what: "cannot fix the image size",
      why: `the input "${chosen.name}" has the shape [${chosen.shape.join(", ")}], which has no height and width`,
    });
  }
  const spatial = channelAxis(chosen) === 1 ? [2, 3] : [1, 2];
  const shape = chosen.shape.map((dim, axis) => {
    const size = options.size?.[spatial.indexOf(axis)];
    if (size === undefined) return dim;
    if (!Number.isInteger(size) || size < 1 || (typeof dim === "number" && dim !== size)) {
      throw new OptionError({
        what: `the image size cannot be ${options.size?.join(" × ")}`,
        why: `the model takes [${chosen.shape.join(", ")}]`,
        fix: "leave the size out, or give the model's own",
      });
    }
    return size;
  });
  const inputs = graph.inputs.map((input) => (input === chosen ? { ...input, shape } : input));
  return { graph: { ...graph, inputs }, name: chosen.name };
}

/** The explained output: one of the model's, or any tensor by name. */
export function chooseOutput(graph: Graph, wanted: string | undefined): string {
  const names = graph.outputs.map((output) => output.name);
  if (wanted === undefined) return names[0] as string;
  if (names.includes(wanted) || usesOf(graph).producer.has(wanted)) return wanted;
  throw new OptionError({
    what: `the model has no output "${wanted}"`,
    why: `its outputs are ${names.join(", ")}`,
    ...suggestion(wanted, names),
  });
}
