/** The methods that are compared: names of composites and methods, files of composites, and chance. */

import { compositeNames, methodNames, OptionError, type Composite, type MethodName } from "@relprop/core";
import { readComposite } from "../models/read-composite.ts";

/** A map of random numbers: what any method should be better than. */
export const randomName = "random";

/** A way to explain, under the name that the user gave it. */
export interface NamedMethod {
  readonly name: string;
  /** For relevance propagation: undefined for `random` and other methods. */
  readonly composite?: string | Composite;
  /** Another method than relevance propagation. */
  readonly method?: MethodName;
}

/**
 * Reads the list of `--methods`.
 * @throws OptionError for a name that is given twice, or a file that cannot be read
 */
export async function readMethods(names: readonly string[]): Promise<NamedMethod[]> {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new OptionError({
      what: `cannot compare "${twice}" with itself`,
      why: "it is named twice",
      fix: "name each method once",
    });
  }
  return Promise.all(
    names.map(async (name): Promise<NamedMethod> => {
      if (name === randomName) return { name };
      const method = methodNames.find((each) => each === name);
      if (method !== undefined) return { name, method };
      const composite = await readComposite(name);
      const isKnown = typeof composite !== "string" || (compositeNames as readonly string[]).includes(name);
      if (isKnown) return { name, composite };
      throw new OptionError({
        what: `there is no method "${name}"`,
        why: `methods are ${[...methodNames, randomName].join(", ")}, the composites ${compositeNames.join(", ")}, and files of composites (.json)`,
      });
    }),
  );
}
