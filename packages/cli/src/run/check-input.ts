/** Warns once a run about what cannot be right in the numbers that the network is given. */

import type { FloatArray } from "@relprop/core";
import { channelCount, doubtOfNorm, doubtOfPicture, firstNorm, seenByNorm } from "@relprop/core/internal";
import { concatChunks, writeModel, type Model } from "@relprop/core/onnx";
import type { InputCard } from "@relprop/core/zoo";
import type { FileRuntime } from "../sessions/optimized-cache.ts";

/** Finds what speaks against one preprocessed picture, in words; nothing if all may be right. */
export type FindDoubts = (input: FloatArray) => Promise<string[]>;

/**
 * Prepares the check of pictures. The network's beginning is copied, so its weights may move afterwards.
 * @param runtime where the beginning of the network runs
 */
export function doubtFinder(model: Model, input: InputCard, runtime: () => Promise<FileRuntime>): FindDoubts {
  const { inputs, initializers } = model.graph;
  const picture = inputs.find(
    ({ name, shape, dataType }) => shape.length === 4 && dataType === "float32" && !initializers.has(name),
  );
  const norm = picture && firstNorm(model, picture.name);
  const bytes = norm && concatChunks(writeModel(norm.model).chunks);
  return async (batch) => {
    const { data, dims } = firstOf(batch);
    const said = doubtOfPicture(data, channelCount(input.channels), input.layout === "NHWC");
    if (said !== undefined) return [said];
    const isFixed = typeof picture?.shape[0] === "number" && picture.shape[0] !== 1;
    if (!norm || !bytes || isFixed) return [];
    const { InferenceSession, Tensor } = await runtime();
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const [given] = Object.values(await session.run({ [picture.name]: new Tensor("float32", data, dims) }));
    await session.release();
    if (!(given?.data instanceof Float32Array)) return [];
    const doubt = doubtOfNorm(seenByNorm(norm, given.data, given.dims));
    return doubt === undefined ? [] : [doubt];
  };
}

/** The first picture of a batch. */
function firstOf({ data, dims }: FloatArray): { readonly data: Float32Array; readonly dims: number[] } {
  const [count = 1, ...rest] = dims;
  return { data: Float32Array.from(data.subarray(0, data.length / count)), dims: [1, ...rest] };
}

/** Calls a check for the first picture alone, and hands its doubts on. */
export function onFirst(
  find: FindDoubts,
  warn: (doubts: readonly string[]) => void,
): (input: FloatArray) => Promise<void> {
  let isDone = false;
  return async (input) => {
    if (isDone) return;
    isDone = true;
    warn(await find(input));
  };
}
