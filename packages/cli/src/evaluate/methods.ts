/** The methods that are compared: names of composites and methods, files of composites, and trivial maps. */

import { compositeNames, methodNames, OptionError, type Composite, type MethodName } from "@relprop/core";
import { isTrivialMap, trivialMaps, type TrivialMap } from "@relprop/core/internal";
import { readComposite } from "../models/read-composite.ts";

/** A way to explain, under the name that the user gave it. */
export interface NamedMethod {
  readonly name: string;
  /** For relevance propagation: undefined for other methods and trivial maps. */
  readonly composite?: string | Composite;
  /** Another method than relevance propagation. */
  readonly method?: MethodName;
  /** A map that knows nothing of the network. */
  readonly trivial?: TrivialMap;
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
      if (isTrivialMap(name)) return { name, trivial: name };
      const method = methodNames.find((each) => each === name);
      if (method !== undefined) return { name, method };
      const composite = await readComposite(name);
      const isKnown = typeof composite !== "string" || (compositeNames as readonly string[]).includes(name);
      if (isKnown) return { name, composite };
      throw new OptionError({
        what: `there is no method "${name}"`,
        why: `methods are ${[...methodNames, ...Object.keys(trivialMaps)].join(", ")}, the composites ${compositeNames.join(", ")}, and files of composites (.json)`,
      });
    }),
  );
}
