/** What a network does to its pixels itself, before its first layer: Rescaling layers, means that detectors subtract. */

import { usesOf } from "../onnx/captures.ts";
import { operatorKey, type Model, type Node, type Tensor, type Value } from "../onnx/graph.ts";
import { numbersOf } from "../onnx/tensor.ts";
import { usualPixels } from "./candidates.ts";
import { channelCount, type ChannelOrder } from "./model-card.ts";
import type { PixelNumbers } from "./pixel-bounds.ts";

/** x · factor + shift, one number for each channel, or one for all. */
interface Scaling {
  readonly factor: readonly number[];
  readonly shift: readonly number[];
}

type Step = (before: Scaling, constant: readonly number[]) => Scaling | undefined;

const both = (a: readonly number[], b: readonly number[], of: (x: number, y: number) => number): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => of(pick(a, i), pick(b, i)));
const pick = (list: readonly number[], i: number): number =>
  (list.length === 1 ? list[0] : list[i]) ?? Number.NaN;

const times: Step = ({ factor, shift }, c) => ({
  factor: both(factor, c, (x, y) => x * y),
  shift: both(shift, c, (x, y) => x * y),
});
const plus: Step = ({ factor, shift }, c) => ({ factor, shift: both(shift, c, (x, y) => x + y) });
const negative = (c: readonly number[]): number[] => c.map((each) => -each);

/** What is computed with a constant; a constant that stands first is the second number of these. */
const steps: Readonly<Record<string, Step>> = {
  "ai.onnx/Mul": times,
  "ai.onnx/Add": plus,
  "ai.onnx/Sub": (before, c) => plus(before, negative(c)),
  "ai.onnx/Div": (before, c) =>
    times(
      before,
      c.map((each) => 1 / each),
    ),
};
const eitherWay = new Set(["ai.onnx/Mul", "ai.onnx/Add"]);

/** What moves numbers and does not mix their channels, or turns whole numbers into real ones. */
const moves = new Set(
  ["Cast", "Identity", "Squeeze", "Unsqueeze", "Transpose", "Reshape", "Pad", "Resize"].map(
    (each) => `ai.onnx/${each}`,
  ),
);
const sizes = new Set(["ai.onnx/Shape", "ai.onnx/Size"]);

/** How far behind the input such steps are looked for. */
const most = 32;

/** The network's own scaling of an input; undefined if it does none. */
function scalingOf({ graph }: Model, input: string, channels: number): Scaling | undefined {
  const { producer, consumers } = usesOf(graph);
  let [at, found]: [string, Scaling | undefined] = [input, undefined];
  for (let i = 0; i < most; i++) {
    const users = (consumers.get(at) ?? []).filter((user) => !sizes.has(operatorKey(user)));
    const [node, ...others] = users;
    if (!node || others.length > 0) break;
    const name = operatorKey(node);
    const step = steps[name];
    if (!step && !(moves.has(name) && node.inputs[0] === at)) break;
    if (step) {
      const other = node.inputs[0] === at ? node.inputs[1] : node.inputs[0];
      const constant = constantOf(graph.initializers, producer, other ?? "");
      if (!constant || (constant.length !== 1 && constant.length !== channels)) break;
      if (node.inputs[0] !== at && !eitherWay.has(name)) break;
      found = step(found ?? { factor: [1], shift: [0] }, constant);
    }
    at = node.outputs[0] ?? "";
  }
  return found;
}

/** A constant's numbers, behind nodes that only shape it. */
function constantOf(
  initializers: ReadonlyMap<string, Tensor>,
  makers: ReadonlyMap<string, Node>,
  name: string,
): readonly number[] | undefined {
  const tensor = initializers.get(name);
  if (tensor)
    return tensor.dataType === "string" || tensor.bytes.length > 64
      ? undefined
      : Array.from(numbersOf(tensor));
  const maker = makers.get(name);
  if (!maker || !moves.has(operatorKey(maker))) return undefined;
  return constantOf(initializers, makers, maker.inputs[0] ?? "");
}

/** Ranges that pixels are handed over in. */
const ranges: readonly {
  readonly name: string;
  readonly pixels: Omit<PixelNumbers, "mean" | "std"> & Record<"mean" | "std", number>;
}[] = [
  { name: "0 to 255", pixels: { scale: 1, mean: 0, std: 1 } },
  { name: "0 to 1", pixels: { scale: 1 / 255, mean: 0, std: 1 } },
  { name: "-1 to 1", pixels: { scale: 1 / 255, mean: 0.5, std: 0.5 } },
];

/** The pixels that a network takes, and why. */
export interface OwnPixels {
  readonly pixels: PixelNumbers;
  /** In words. */
  readonly why: string;
}

const areNear = (a: number, b: number, size: number): boolean => Math.abs(a - b) <= 0.01 * size;

/**
 * The pixels that a network takes which scales them itself: those that its own steps turn into numbers that networks are
 * usually fed, such as Keras' Rescaling(1/127.5, −1) does with 0 to 255. Whole numbers are pixels as they are.
 * @returns undefined if it does nothing to them, or nothing usual would come out
 */
export function ownPixels(model: Model, input: Value, channels: ChannelOrder): OwnPixels | undefined {
  const count = channelCount(channels);
  const each = (number: number): number[] => Array.from({ length: count }, () => number);
  const whole = /^u?int/.test(input.dataType);
  const own = scalingOf(model, input.name, count);
  for (const { name, pixels } of own ? ranges : []) {
    const { scale, mean, std } = pixels;
    // From pixels 0..255: what is handed over is (p · scale − mean) / std.
    const factor = each(0).map((_, c) => (pick(own?.factor ?? [], c) * scale) / std);
    const shift = each(0).map(
      (_, c) => pick(own?.shift ?? [], c) - (pick(own?.factor ?? [], c) * mean) / std,
    );
    const usual = usualPixels(channels).find(([, known]) =>
      factor.every((f, c) => {
        const deviation = known.std[c] ?? 1;
        const [wanted, start] = [known.scale / deviation, -(known.mean[c] ?? 0) / deviation];
        return areNear(f, wanted, wanted) && areNear(shift[c] ?? 0, start, 255 * wanted);
      }),
    );
    if (usual && (!whole || name === "0 to 255"))
      return {
        pixels: { scale, mean: each(mean), std: each(std) },
        why: `pixels ${name}: the network itself makes ${usual[0]} of them`,
      };
  }
  if (!whole) return undefined;
  return {
    pixels: { scale: 1, mean: each(0), std: each(1) },
    why: `pixels 0 to 255: it takes ${input.dataType}`,
  };
}
