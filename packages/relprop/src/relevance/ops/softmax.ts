/** Softmax and LogSoftmax along an axis. */

import { wrapped } from "../../onnx/axis.ts";
import { int, numberAttribute, type Value } from "../../onnx/graph.ts";
import { x, y, type Site } from "../site.ts";
import { indicator } from "./calculus.ts";
import { lowest } from "./shapes.ts";

const axis = (site: Site): number => {
  const given = numberAttribute(site.node, "axis", -1);
  return wrapped(given, x(site).shape.length);
};

const total = (site: Site, v: Value): Value =>
  site.b.op("ReduceSum", [v, site.b.integers([axis(site)])], { keepdims: int(1) });

/** Jᵀs = y ⊙ (s − Σ s·y) */
export function softmax(site: Site, s: Value): Value {
  const { b } = site;
  return b.op("Mul", [y(site), b.op("Sub", [s, total(site, b.op("Mul", [s, y(site)]))])]);
}

/** Jᵀ(R / y) = R − y·ΣR, without dividing by an y that may be 0. */
export function softmaxLog(site: Site, R: Value): Value {
  const { b } = site;
  return b.op("Sub", [R, b.op("Mul", [y(site), total(site, R)])]);
}

/** x, −∞ being the lowest number: 0 times that is 0. */
export const finite = (site: Site): Value => site.b.op("Max", [x(site), site.b.scalar(lowest)]);

/** x, and 0 where the softmax is 0: an input at −∞, or as good as that, takes no part. */
export function unmasked(site: Site): Value {
  const { b } = site;
  const isActive = indicator(b, b.op("Greater", [y(site), b.scalar(0)]));
  return b.op("Mul", [finite(site), isActive]);
}

/** LogSoftmax: Jᵀs = s − exp(y)·Σs */
export function logSoftmax(site: Site, s: Value): Value {
  const { b } = site;
  return b.op("Sub", [s, b.op("Mul", [b.op("Exp", [y(site)]), total(site, s)])]);
}
