/** The block of MobileNetV3 and EfficientNet: a wide 1×1, a depthwise convolution, squeeze and excitation, a narrow 1×1. */

import { type Activation, add, convNorm, type Gates, squeezeExcite } from "./blocks.ts";
import type { Flow, NetBuilder } from "./net-builder.ts";

/** Options of {@link invertedResidual}. */
export interface InvertedResidual {
  readonly stride: number;
  readonly activation: Activation;
  readonly gates: Gates;
  /** ε of its batch normalisations. */
  readonly epsilon: number;
}

/**
 * An inverted residual. Its parts are `block.0`, `block.1` … in torchvision's weights. It does not widen if its first
 * convolution is depthwise, and does not squeeze if no `fc1` follows.
 */
export function invertedResidual(net: NetBuilder, x: Flow, name: string, options: InvertedResidual): Flow {
  const { stride, activation, gates, epsilon } = options;
  let part = 0;
  let y = x;
  if (net.sizeOf(`${name}.block.0.0.weight`, 1) !== 1) {
    y = convNorm(net, y, `${name}.block.0.0`, `${name}.block.0.1`, { kernel: 1, activation, epsilon });
    part++;
  }
  const deep = `${name}.block.${part++}`;
  y = convNorm(net, y, `${deep}.0`, `${deep}.1`, { stride, groups: "depthwise", activation, epsilon });
  if (net.has(`${name}.block.${part}.fc1.weight`))
    y = squeezeExcite(net, y, `${name}.block.${part++}`, gates);
  const narrow = `${name}.block.${part}`;
  y = convNorm(net, y, `${narrow}.0`, `${narrow}.1`, { kernel: 1, epsilon });
  return residual(net, x, y, stride, name);
}

/** y plus the block's input x, if they have the same shape. */
export function residual(net: NetBuilder, x: Flow, y: Flow, stride: number, name: string): Flow {
  return stride === 1 && x.width === y.width ? add(net, y, x, name) : y;
}
