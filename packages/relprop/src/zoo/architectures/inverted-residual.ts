/** The block of MobileNetV3 and EfficientNet: widen by 1×1, convolve each channel, squeeze and excite, narrow by 1×1. */

import { type Activation, add, convNorm, type Gates, squeezeExcite } from "./blocks.ts";
import type { Flow, NetBuilder } from "./net-builder.ts";

export interface InvertedResidual {
  readonly stride: number;
  readonly activation: Activation;
  readonly gates: Gates;
  /** ε of its batch normalisations. */
  readonly epsilon: number;
}

/**
 * Parts are numbered `block.0`, `block.1` … in torchvision's weights, those that a block has: it does not widen where
 * its first convolution is one of single channels, and does not squeeze where no `fc1` follows.
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

/** The sum with what came in, where it is as large. */
export function residual(net: NetBuilder, x: Flow, y: Flow, stride: number, name: string): Flow {
  return stride === 1 && x.width === y.width ? add(net, y, x, name) : y;
}
