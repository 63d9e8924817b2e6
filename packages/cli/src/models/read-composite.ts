/** `--composite` -> a composite: a name of the library, or the user's file. */

import { readFile, stat } from "node:fs/promises";
import { compositeNames, OptionError, parseComposite, type Composite } from "@relprop/core";

/**
 * Reads a file, or a text that ends in `.json`. Any other text is returned as it is: the library
 * checks the name and suggests similar ones.
 * @throws OptionError if the file cannot be read or is no composite
 */
export async function readComposite(text: string): Promise<string | Composite> {
  if ((compositeNames as readonly string[]).includes(text)) return text;
  const isFile = (await stat(text).catch(() => undefined))?.isFile() === true;
  if (!isFile && !text.toLowerCase().endsWith(".json")) return text;
  let json: unknown;
  try {
    json = JSON.parse(await readFile(text, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new OptionError(
      {
        what: `cannot read the composite "${text}"`,
        why,
        fix: `give a JSON file, or one of ${compositeNames.join(", ")}`,
      },
      { cause: error },
    );
  }
  return parseComposite(json, text);
}
