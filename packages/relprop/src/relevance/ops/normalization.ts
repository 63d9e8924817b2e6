/**
 * Normalisations: y = γ ⊙ (x − mean(x)) / √(var(x) + ε) + β over some axes, or y = γ ⊙ x / √(mean(x²) + ε).
 *
 * With n = 1/√(var + ε), x̂ = n(x − mean) and t = s ⊙ γ the gradient is n(t − mean(t) − x̂·mean(t ⊙ x̂)). With n held
 * constant, as LRP does (AttnLRP, Achtibat et al. 2024, proposition 3.4), it is n·t − mean(n·t).
 */

import { wrapped } from "../../onnx/axis.ts";
import { int, ints, intsAttribute, numberAttribute, type Value } from "../../onnx/graph.ts";
import { x, type Site } from "../site.ts";
import { reshapeLike } from "./shapes.ts";
import { sureNumber } from "../../sure.ts";

/** What is normalised, over which axes of it, and the affine map that follows. */
interface Normalization {
  /** x, or x in another shape. */
  readonly v: Value;
  readonly axes: readonly number[];
  /** Whether the mean is subtracted. */
  readonly centred: boolean;
  readonly epsilon: number;
  /** γ and β, in shapes that broadcast over x. */
  readonly scale: Value | undefined;
  readonly bias: Value | undefined;
}

type Reading = (site: Site) => Normalization;

const meanOver =
  (site: Site, axes: readonly number[]) =>
  (v: Value): Value =>
    site.b.op("ReduceMean", [v], { axes: ints(axes), keepdims: int(1) });

/** The transposes of a normalisation: with all of its derivative, and with the statistics' scale held constant. */
function transposesOf(reading: Reading) {
  const pullBack =
    (isFrozen: boolean) =>
    (site: Site, s: Value): Value => {
      const { b } = site;
      const { v, axes, centred, epsilon, scale } = reading(site);
      const mean = meanOver(site, axes);
      const times = (a: Value, c: Value): Value => b.op("Mul", [a, c]);
      const minus = (a: Value, c: Value): Value => b.op("Sub", [a, c]);
      const d = centred ? minus(v, mean(v)) : v;
      const root = b.op("Sqrt", [b.op("Add", [mean(times(d, d)), b.scalar(epsilon)])]);
      const t = reshapeLike(b, scale ? times(s, scale) : s, v);
      const scaled = b.op("Div", [t, root]);
      const moved = centred ? minus(scaled, mean(scaled)) : scaled;
      if (isFrozen) return reshapeLike(b, moved, x(site));
      const normal = b.op("Div", [d, root]);
      return reshapeLike(b, minus(moved, times(normal, mean(times(scaled, normal)))), x(site));
    };
  return {
    pullBack: pullBack(false),
    frozen: pullBack(true),
    bias: (site: Site): Value | undefined => reading(site).bias,
  };
}

const axesFrom = (first: number, rank: number): number[] =>
  Array.from({ length: rank - first }, (_, i) => first + i);

/** The axes from `axis` on; a recognised pattern names them all. */
export const normalizedAxes = (site: Site): readonly number[] => {
  const named = intsAttribute(site.node, "axes");
  if (named) return named;
  const rank = x(site).shape.length;
  const axis = numberAttribute(site.node, "axis", -1);
  return axesFrom(wrapped(axis, rank), rank);
};

/** LayerNormalization (Ba et al. 2016). */
export const layerNormalization = transposesOf((site) => ({
  v: x(site),
  axes: normalizedAxes(site),
  centred: true,
  epsilon: numberAttribute(site.node, "epsilon", 1e-5),
  scale: site.inputs[1],
  bias: site.inputs[2],
}));

/** RMSNormalization (Zhang & Sennrich 2019). */
export const rmsNormalization = transposesOf((site) => ({
  v: x(site),
  axes: normalizedAxes(site),
  centred: false,
  epsilon: numberAttribute(site.node, "epsilon", 1e-5),
  scale: site.inputs[1],
  bias: undefined,
}));

/** Over all but the channels, if nothing is said. */
export const standardizedAxes = ({ node }: Pick<Site, "node">): readonly number[] =>
  intsAttribute(node, "axes") ?? [0, 2, 3];

/**
 * MeanVarianceNormalization, if nothing is said over all but the channels: then samples depend on each other, and so
 * does their relevance. ONNX adds 1e-9 to the root, not under it.
 */
export const meanVarianceNormalization = transposesOf((site) => ({
  v: x(site),
  axes: standardizedAxes(site),
  centred: true,
  epsilon: 1e-18,
  scale: undefined,
  bias: undefined,
}));

/** A vector [C] that broadcasts over x [N, C, …]. */
const perChannel = (site: Site, vector: Value | undefined): Value | undefined =>
  vector &&
  site.b.op("Reshape", [
    vector,
    site.b.integers([
      -1,
      ...x(site)
        .shape.slice(2)
        .map(() => 1),
    ]),
  ]);

/** InstanceNormalization: each channel of each sample over its positions (Ulyanov et al. 2016). */
export const instanceNormalization = transposesOf((site) => ({
  v: x(site),
  axes: axesFrom(2, x(site).shape.length),
  centred: true,
  epsilon: numberAttribute(site.node, "epsilon", 1e-5),
  scale: perChannel(site, site.inputs[1]),
  bias: perChannel(site, site.inputs[2]),
}));

/** A vector of one number for each group, or for each channel, that broadcasts over x [N, C, …]. */
function perGroup(site: Site, vector: Value, groups: number): Value | undefined {
  const { b } = site;
  if (vector.shape[0] === x(site).shape[1]) return perChannel(site, vector);
  const channels = sureNumber(x(site).shape[1]);
  const columns = b.op("Reshape", [vector, b.integers([groups, 1])]);
  const repeated = b.op("Expand", [columns, b.integers([groups, channels / groups])]);
  return perChannel(site, b.op("Reshape", [repeated, b.integers([channels])]));
}

/** GroupNormalization: each group of channels of each sample over its positions (Wu & He 2018). */
export const groupNormalization = transposesOf((site) => {
  const groups = numberAttribute(site.node, "num_groups", 1);
  const [input, scale, bias] = site.inputs as [Value, Value, Value];
  return {
    v: site.b.op("Reshape", [input, site.b.integers([0, groups, -1])]),
    axes: [2],
    centred: true,
    epsilon: numberAttribute(site.node, "epsilon", 1e-5),
    scale: perGroup(site, scale, groups),
    bias: perGroup(site, bias, groups),
  };
});

/** γ and β must be constants: relevance has no rule for those that a network computes. */
export function refusesComputedScale(site: Site): string | undefined {
  const computed = site.inputs.slice(1).some((value) => value && site.isComputed(value));
  if (computed)
    return "its scale or bias depends on the model's input: export them as a Mul and an Add after it";
  const extra = site.node.outputs.slice(1).some((name) => name !== "");
  return extra ? "its statistics are outputs, too, and relevance has no rule for those" : undefined;
}
