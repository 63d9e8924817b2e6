/** The window that a convolution or a pooling operator slides: kernel, strides, dilations, pads, made explicit. */

import { UnexplainableError } from "../../errors.ts";
import { intsAttribute, numberAttribute, stringAttribute, type Node, type Value } from "../../onnx/graph.ts";
import { spatialSizes } from "./shapes.ts";
import { sureNumber } from "../../sure.ts";

export interface Window {
  /** Numbers for each spatial axis. */
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
}

/** The strides of a window, by its attributes. */
export const windowSteps = (node: Node): readonly number[] => intsAttribute(node, "strides") ?? [1];

/** Elements that the dilated kernel spans on each axis. */
export const extent = (w: Window): number[] =>
  w.kernel.map((size, i) => (size - 1) * sureNumber(w.dilations[i]) + 1);

export const isUnit = (numbers: readonly number[]): boolean => numbers.every((n) => n === 1);
export const isZero = (numbers: readonly number[]): boolean => numbers.every((n) => n === 0);

/**
 * Reads the attributes that Conv and the pooling operators share, `auto_pad` resolved.
 * @param x the operator's input [N, C, …]
 * @param y its output [N, K, …]
 */
export function windowOf(node: Node, kernel: readonly number[], x: Value, y: Value): Window {
  const ones = kernel.map(() => 1);
  const strides = intsAttribute(node, "strides") ?? ones;
  const dilations = intsAttribute(node, "dilations") ?? ones;
  const pads = intsAttribute(node, "pads") ?? [...kernel.map(() => 0), ...kernel.map(() => 0)];
  const window: Window = {
    kernel,
    strides,
    dilations,
    padsBegin: pads.slice(0, kernel.length),
    padsEnd: pads.slice(kernel.length),
  };
  const autoPad = stringAttribute(node, "auto_pad", "NOTSET");
  if (autoPad === "NOTSET" || autoPad === "VALID") return window;
  const total = samePadding(node, window, x, y);
  const small = total.map((n) => Math.floor(n / 2));
  const large = total.map((n) => Math.ceil(n / 2));
  return autoPad === "SAME_UPPER"
    ? { ...window, padsBegin: small, padsEnd: large }
    : { ...window, padsBegin: large, padsEnd: small };
}

function samePadding(node: Node, window: Window, x: Value, y: Value): number[] {
  const input = spatialSizes(x);
  const output = spatialSizes(y);
  return extent(window).map((span, i) => {
    const stride = sureNumber(window.strides[i]);
    if (stride === 1) return span - 1;
    if (!input || !output) {
      throw new UnexplainableError({
        what: "cannot explain a padding that depends on the image size",
        where: `${node.opType} "${node.name}", auto_pad`,
        why: "the model leaves the image size open",
        fix: "give it: --size H,W",
      });
    }
    return Math.max(0, (sureNumber(output[i]) - 1) * stride + span - sureNumber(input[i]));
  });
}

/** How far the last window reaches beyond the end pads, which ceil_mode allows. */
export function ceilModePads(window: Window, x: Value, y: Value): number[] | undefined {
  const input = spatialSizes(x);
  const output = spatialSizes(y);
  if (!input || !output) return undefined;
  return extent(window).map((span, i) => {
    const reach = (sureNumber(output[i]) - 1) * sureNumber(window.strides[i]) + span;
    return Math.max(
      0,
      reach - sureNumber(input[i]) - sureNumber(window.padsBegin[i]) - sureNumber(window.padsEnd[i]),
    );
  });
}

/** True if ceil_mode is set. */
export const ceils = (node: Node): boolean => numberAttribute(node, "ceil_mode", 0) === 1;
