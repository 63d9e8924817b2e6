/** Names and options of the attribution methods beyond LRP. */

import type { CompileOptions } from "../compile/compile-options.ts";
import { OptionError } from "../errors.ts";
import { refuseUnknown, type OptionNames } from "../option-names.ts";
import { suggestion } from "../suggestion.ts";

/** Options of all methods, with the same meaning as in {@link CompileOptions}. */
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
  | "set"
>;

/** relevance = x ⊙ ∂(target · output)/∂x, in the unit of the output. Shrikumar et al. 2016. */
export interface InputXGradientOptions extends SharedMethodOptions {
  /** Which method. */
  readonly method: "input-x-gradient";
}

/**
 * relevance = (x − x₀) ⊙ mean over m points of the gradient at x₀ + α(x − x₀), α = (k + ½)/m: the midpoint rule on the
 * straight path from the baseline x₀. Its sum approaches target · (f(x) − f(x₀)) as the steps increase.
 * Sundararajan et al. 2017.
 */
export interface IntegratedGradientsOptions extends SharedMethodOptions {
  /** Which method. */
  readonly method: "integrated-gradients";
  /** Number m of points on the path. The graph computes N·m samples at once, so memory grows with m. @default 32 */
  readonly steps?: number;
  /**
   * Start of the path, in the units of the input (after preprocessing): a number, one for each channel, or "input"
   * for a graph input `baseline` in the shape of the explained input. @default 0
   */
  readonly baseline?: number | readonly number[] | "input";
}

/**
 * relevance = mean over n copies of the gradient at x + level·(max x − min x)·noise. The graph input `noise`
 * [n, C, H, W] takes standard normal numbers, the same for all samples; it is an input because the random numbers of
 * runtimes are not repeatable. {@link Explainer} fills it from a seeded generator. Smilkov et al. 2017.
 */
export interface SmoothGradOptions extends SharedMethodOptions {
  /** Which method. */
  readonly method: "smoothgrad";
  /** Number n of noisy copies. The graph computes N·n samples at once. @default 25 */
  readonly samples?: number;
  /** Standard deviation of the noise as a fraction of each sample's range of values. @default 0.15 */
  readonly level?: number;
}

/**
 * relevance = ReLU(Σ_c mean_hw(∂y/∂A_c) · A_c) of a feature map A [N, C, h, w], y = target · output, resized bilinearly
 * to the height and width of the input: always [N, H, W]. Selvaraju et al. 2017.
 */
export interface GradCamOptions extends Omit<SharedMethodOptions, "reduce"> {
  /** Which method. */
  readonly method: "grad-cam";
  /** The result has no channels, so "none" is refused. */
  readonly reduce?: "channels";
  /** The feature map A: a tensor or node by name. @default "last-map", the last one before the model pools or flattens it */
  readonly layer?: string;
}

/** Options of a method; `method` says which one. */
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
  set: true,
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

/** The names that the options of a method may have. */
export const methodOptionNames = (method: MethodName): readonly string[] => Object.keys(options[method]);

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

/**
 * Checks an option that is a whole number of at least 1.
 * @throws OptionError if it is not one
 */
export function countOption(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new OptionError({ what: `${name} cannot be ${value}`, why: "it is a whole number of at least 1" });
}
