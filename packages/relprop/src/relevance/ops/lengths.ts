/**
 * Normalisations by a length: x divided by its own norm, or by a mean over neighbouring channels. LRP holds the length
 * constant (`frozen`), as with other normalisations (AttnLRP, Achtibat et al. 2024, proposition 3.4).
 */

import { int, ints, numberAttribute, type Value } from "../../onnx/graph.ts";
import { x, y, type Site } from "../site.ts";
import { Calculus } from "./calculus.ts";
import { reshapeLike } from "./shapes.ts";
import { sureNumber } from "../../sure.ts";

/** y = x/‖x‖ along an axis, ‖x‖ = Σ|x| or √Σx², and 0 where that is 0: (s − ∂‖x‖/∂x · Σ s·y) / ‖x‖. */
function lpTranspose(isFrozen: boolean) {
  return (site: Site, s: Value): Value => {
    const { b, node } = site;
    const c = new Calculus(b);
    const axes = [numberAttribute(node, "axis", -1)];
    const squares = numberAttribute(node, "p", 2) === 2;
    const sumOver = (v: Value): Value => b.op("ReduceSum", [v, b.integers(axes)], { keepdims: int(1) });
    const length = squares ? c.sqrt(sumOver(c.mul(x(site), x(site)))) : sumOver(c.abs(x(site)));
    const inverse = c.quotient(1, length);
    if (isFrozen) return c.mul(s, inverse);
    const along = sumOver(c.mul(s, y(site)));
    const growth = squares ? c.mul(y(site), along) : c.mul(c.signed(1, x(site)), along);
    return c.mul(c.sub(s, growth), inverse);
  };
}

/** LpNormalization. */
export const lpNormalization = { pullBack: lpTranspose(false), frozen: lpTranspose(true) };

/** The mean of v [N, C, …] over `size` channels from `before` before each one on, channels that there are none of as 0. */
function overChannels(site: Site, v: Value, size: number, before: number): Value {
  const { b } = site;
  const rows = b.op("Reshape", [v, b.integers([0, 1, sureNumber(v.shape[1]), -1])]);
  const mean = b.op("AveragePool", [rows], {
    kernel_shape: ints([size, 1]),
    pads: ints([before, 0, size - 1 - before, 0]),
    count_include_pad: int(1),
  });
  return reshapeLike(b, mean, v);
}

/** y = x·d^(−β), d = bias + α·(mean of x² over `size` channels around): s·d^(−β) − 2αβ·x·Σ s·x·d^(−β−1) / size. */
function responseTranspose(isFrozen: boolean) {
  return (site: Site, s: Value): Value => {
    const { node } = site;
    const c = new Calculus(site.b);
    const size = numberAttribute(node, "size", 1);
    const [alpha, beta] = [numberAttribute(node, "alpha", 1e-4), numberAttribute(node, "beta", 0.75)];
    const before = Math.floor((size - 1) / 2);
    const squares = overChannels(site, c.mul(x(site), x(site)), size, before);
    const d = c.add(c.mul(squares, alpha), numberAttribute(node, "bias", 1));
    const scaled = c.mul(s, c.pow(d, -beta));
    if (isFrozen) return scaled;
    // A channel stands in the windows of the channels around it, so the window is mirrored.
    const back = overChannels(site, c.div(c.mul(scaled, x(site)), d), size, size - 1 - before);
    return c.sub(scaled, c.mul(c.mul(x(site), back), 2 * alpha * beta));
  };
}

/** LRN, local response normalisation across channels (Krizhevsky et al. 2012). */
export const responseNormalization = { pullBack: responseTranspose(false), frozen: responseTranspose(true) };
