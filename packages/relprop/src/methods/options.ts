/** The attribution methods beyond LRP, and what can be chosen about each. */

import type { CompileOptions } from "../compile/compile.ts";
import { OptionError } from "../errors.ts";
import { refuseUnknown, type OptionNames } from "../option-names.ts";
import { suggestion } from "../suggestion.ts";

/** What all methods take; the words mean what they mean in {@link CompileOptions}. */
export type SharedMethodOptions = Pick<
  CompileOptions,
  | "input"
  | "output"
  | "size"
  | "reduce"
  | "target"
  | "start"
  | "outputKind"
  | "labelCount"
  | "fallback"
  | "rules"
  | "sourceSha256"
  | "operators"
>;

/** relevance = x ⊙ ∂(target · output)/∂x, unit of the output. Shrikumar et al. 2016. */
export interface InputXGradientOptions extends SharedMethodOptions {
  /** Which method. */
  readonly method: "input-x-gradient";
}

/**
 * relevance = (x − x₀) ⊙ mean over m points of the gradient at x₀ + α(x − x₀), α = (k + ½)/m: the midpoint rule on the
 * straight path from the baseline x₀. Sums up to target · (f(x) − f(x₀)), the better the more steps.
 * Sundararajan et al. 2017.
 */
export interface IntegratedGradientsOptions extends SharedMethodOptions {
  /** Which method. */
  readonly method: "integrated-gradients";
  /** Points m on the path. The graph works on N·m samples at once: memory grows with m. @default 32 */
  readonly steps?: number;
  /**
   * Where the path starts, in the input's own units (after preprocessing): a number, one for each channel, or "input"
   * for a graph input `baseline` in the shape of the explained input. @default 0
   */
  readonly baseline?: number | readonly number[] | "input";
}

/**
 * relevance = mean over n copies of the gradient at x + level·(max x − min x)·noise, where `noise` is a graph input
 * [n, C, H, W] of standard normal numbers, the same for all samples: runtimes differ in their random numbers, and an
 * explanation must be repeatable. {@link Explainer} fills it from a seeded generator. Smilkov et al. 2017.
 */
export interface SmoothGradOptions extends SharedMethodOptions {
  /** Which method. */
  readonly method: "smoothgrad";
  /** Noisy copies n. The graph works on N·n samples at once. @default 25 */
  readonly samples?: number;
  /** Standard deviation of the noise as a fraction of each sample's own range of values. @default 0.15 */
  readonly level?: number;
}

/**
 * relevance = ReLU(Σ_c mean_hw(∂y/∂A_c) · A_c) of a feature map A [N, C, h, w], y = target · output, resized bilinearly
 * to the input's height and width: always [N, H, W]. Selvaraju et al. 2017.
 */
export interface GradCamOptions extends Omit<SharedMethodOptions, "reduce"> {
  /** Which method. */
  readonly method: "grad-cam";
  /** Always [N, H, W], so "none" is refused. */
  readonly reduce?: "channels";
  /** The feature map A: a tensor or node by name. @default "last-map", the last before the model pools, flattens or answers */
  readonly layer?: string;
}

/** The options of one method; `method` says which. */
export type MethodOptions =
  | InputXGradientOptions
  | IntegratedGradientsOptions
  | SmoothGradOptions
  | GradCamOptions;
/** The name of a method, one of {@link methodNames}. */
export type MethodName = MethodOptions["method"];

const shared: OptionNames<SharedMethodOptions & { method: string }> = {
  method: true,
  input: true,
  output: true,
  size: true,
  reduce: true,
  target: true,
  start: true,
  outputKind: true,
  labelCount: true,
  fallback: true,
  rules: true,
  sourceSha256: true,
  operators: true,
};

/** The options of each method. */
const options = {
  "input-x-gradient": shared,
  "integrated-gradients": {
    ...shared,
    steps: true,
    baseline: true,
  } satisfies OptionNames<IntegratedGradientsOptions>,
  smoothgrad: { ...shared, samples: true, level: true } satisfies OptionNames<SmoothGradOptions>,
  "grad-cam": { ...shared, layer: true } satisfies OptionNames<GradCamOptions>,
} as const satisfies Record<MethodName, object>;

/** The names that `method` may have. */
export const methodNames: readonly MethodName[] = Object.keys(options) as MethodName[];

/** @throws OptionError for a method that does not exist, or an option that the method does not have */
export function checkMethod(chosen: MethodOptions): void {
  const { method } = chosen;
  if (!methodNames.includes(method)) {
    throw new OptionError({
      what: `there is no method "${String(method)}"`,
      why: `methods are ${methodNames.join(", ")}; LRP and its relatives are composites`,
      ...suggestion(String(method), methodNames),
    });
  }
  refuseUnknown(method, chosen, options[method]);
}

/** A whole number of at least 1. */
export function countOption(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new OptionError({ what: `${name} cannot be ${value}`, why: "it is a whole number of at least 1" });
}
