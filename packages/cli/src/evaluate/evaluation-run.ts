/** The state that all pictures of an evaluation share. */

import type { BaselineName, MetricName } from "@relprop/core";
import type { Theme } from "@relprop/core/heatmap";
import type { LoadOptions } from "../models/load-model.ts";
import type { AnswerPlan } from "../run/answer-picks.ts";
import type { Coloring, RunChoices } from "../run/decide.ts";
import type { OpenInputs } from "../run/open-inputs.ts";
import type { RunOptions } from "../run/run-inputs.ts";
import type { MapResult } from "./evaluation-result.ts";
import type { StartedBench } from "./bench.ts";
import type { NamedMethod } from "./methods.ts";

/** All options of `relprop evaluate` for pictures. */
export interface EvaluateOptions extends RunOptions, RunChoices {
  readonly model: string;
  readonly load: LoadOptions;
  readonly methods: readonly NamedMethod[];
  readonly metrics: readonly MetricName[];
  readonly baseline: BaselineName;
  /** Side of patches in pixels; undefined for a sixteenth of the shorter side. */
  readonly patch: number | undefined;
  readonly steps: number;
  readonly subsets: number;
  readonly seed: number;
  /** The method that others are compared with. */
  readonly reference: string;
  /** A folder of masks. */
  readonly masks: string | undefined;
  /** Changed pictures in one run of the network. */
  readonly changed: number;
  readonly theme: Theme;
}

/** The shared state. */
export interface EvaluationRun extends StartedBench, Omit<OpenInputs<MapResult>, "files"> {
  readonly options: EvaluateOptions;
  readonly plan: AnswerPlan;
  readonly coloring: Coloring;
  /** The decisions, in words. */
  readonly settings: readonly (readonly [name: string, value: string])[];
}
