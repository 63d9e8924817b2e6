/** The chosen attribution method other than relevance propagation. */

import type { CompileOptions, MethodName, MethodOptions } from "@relprop/core";
import { withoutUndefined } from "../without-undefined.ts";

/** The method, and options that only some methods have. */
export interface MethodChoice {
  readonly method: MethodName;
  readonly steps?: number;
  readonly samples?: number;
  readonly layer?: string;
}

/**
 * The library's options for a method: its own, and those shared with relevance propagation.
 * The library checks whether the method has the chosen options.
 */
export function optionsOfMethod(choice: MethodChoice, shared: CompileOptions): MethodOptions {
  const { input, output, size, reduce, target, fallback, rules, sourceSha256 } = shared;
  const { start, outputKind, labelCount, set } = shared;
  const common = withoutUndefined({
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
    set,
  });
  return { ...common, ...choice } as MethodOptions;
}
