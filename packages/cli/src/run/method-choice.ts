/** An attribution method beyond relevance propagation, as the user choices it. */

import type { CompileOptions, MethodName, MethodOptions } from "@relprop/core";
import { given } from "../given.ts";

/** The method, and options that only some methods have. */
export interface MethodChoice {
  readonly method: MethodName;
  readonly steps?: number;
  readonly samples?: number;
  readonly layer?: string;
}

/**
 * Options of the library for a method, from what is chosen and what methods have in common with relevance propagation.
 * Whether the method has the chosen options, the library checks.
 */
export function optionsOfMethod(choice: MethodChoice, shared: CompileOptions): MethodOptions {
  const { input, output, size, reduce, target, fallback, rules, sourceSha256 } = shared;
  const { start, outputKind, labelCount } = shared;
  const common = given({
    input,
    output,
    size,
    reduce,
    target,
    start,
    outputKind,
    labelCount,
    fallback,
    rules,
    sourceSha256,
  });
  return { ...common, ...choice } as MethodOptions;
}
