/** Which of a model's inputs takes a waveform, and which of its axes is time. */

import { isFloat } from "@relprop/core/internal";
import type { Value } from "@relprop/core/onnx";

/** An input of a model, as far as feeding it goes. */
export type ModelInput = Pick<Value, "name" | "dataType" | "shape">;

/** An input that takes a waveform: [T], [N, T], [N, C, T] or [N, T, C]. */
export interface Waveform {
  readonly input: ModelInput;
  readonly channels: number;
  /** The axis of time, and that of channels if there is one, among all axes of the input. */
  readonly timeAxis: number;
  readonly channelAxis?: number;
  /** Samples that it takes; undefined if that is open. */
  readonly size: number | undefined;
}

/** More channels are bands of a spectrogram. */
const mostChannels = 8;
/** Fewer are no time, but features. */
const leastTime = 16;

/** Of an input's shape; undefined if it is none of a waveform. */
export function waveformOf(input: ModelInput): Waveform | undefined {
  const { shape, dataType } = input;
  if (!isFloat(dataType)) return undefined;
  const isTime = (axis: number): boolean => {
    const dim = shape[axis];
    return typeof dim === "string" || (dim ?? 0) > leastTime;
  };
  const isChannels = (axis: number, most: number): boolean => {
    const dim = shape[axis];
    return typeof dim === "number" && dim >= 1 && dim <= most;
  };
  const found = (timeAxis: number, channelAxis?: number): Waveform => {
    const time = shape[timeAxis];
    return {
      input,
      channels: channelAxis === undefined ? 1 : Number(shape[channelAxis]),
      timeAxis,
      ...(channelAxis !== undefined && { channelAxis }),
      size: typeof time === "number" ? time : undefined,
    };
  };
  if (shape.length === 1 || shape.length === 2)
    return isTime(shape.length - 1) ? found(shape.length - 1) : undefined;
  if (shape.length !== 3) return undefined;
  if (isTime(1) && isChannels(2, 2)) return found(1, 2);
  return isTime(2) && isChannels(1, mostChannels) ? found(2, 1) : undefined;
}

/** The one of several inputs that takes the longest waveform: others are states, speakers, flags. */
export function waveformAmong(inputs: readonly ModelInput[]): Waveform | undefined {
  const all = inputs.flatMap((input) => waveformOf(input) ?? []);
  const length = ({ size }: Waveform): number => size ?? Number.POSITIVE_INFINITY;
  return all.reduce<Waveform | undefined>(
    (best, each) => (best && length(best) >= length(each) ? best : each),
    undefined,
  );
}
