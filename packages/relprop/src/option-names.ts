/** Options by name: plain JavaScript and JSON have no types that would catch a typing error. */

import { OptionError } from "./errors.ts";
import { suggestion } from "./suggestion.ts";

/** The names of an options interface, all of them: the compiler knows if one is missing. */
export type OptionNames<Options> = Readonly<Record<keyof Required<Options>, true>>;

/**
 * @param what takes the options, for the error
 * @throws OptionError for an option that `known` does not have, unless it is undefined
 */
export function refuseUnknown(what: string, options: object, known: OptionNames<object>): void {
  const names = Object.keys(known);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(known, name)) continue;
    throw new OptionError({
      what: `${what} has no option "${name}"`,
      why: `its options are ${names.join(", ")}`,
      ...suggestion(name, names),
    });
  }
}
