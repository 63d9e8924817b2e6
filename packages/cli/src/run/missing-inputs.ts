/** What can be done about inputs of a model that nothing feeds. */

import { isSetting } from "@relprop/core/internal";
import type { Value } from "@relprop/core/onnx";

type Missing = Pick<Value, "name" | "dataType" | "shape">;

/** The ways to give them, as an error's `fix`: settings by their values, all by files. */
export function waysToGive(missing: readonly Missing[], feeds = "FILE"): string {
  const first = missing.find(isSetting);
  const name = missing.find((each) => !isSetting(each))?.name;
  const pronoun = missing.length === 1 ? "it" : "each";
  if (!first) return `give ${pronoun} with --feed ${name}=${feeds}`;
  const set = `--set ${first.name}=VALUE`;
  return name === undefined
    ? `fix ${pronoun} with ${set}, or give ${pronoun} with --feed ${first.name}=${feeds}`
    : `fix single numbers with ${set}, and give the others with --feed ${name}=${feeds}`;
}
