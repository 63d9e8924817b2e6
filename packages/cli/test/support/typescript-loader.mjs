/** Node's hooks for the workspace's sources: its packages are found there, and types are taken away. */
import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transformSync } from "rolldown/utils";
import { sourceAliases } from "../../../../scripts/source-aliases.mjs";

export function resolve(specifier, context, next) {
  const alias = sourceAliases.find(({ find }) => find.test(specifier));
  if (!alias) return next(specifier, context);
  const path = specifier.replace(alias.find, alias.replacement);
  return next(pathToFileURL(path).href, context);
}

export async function load(url, context, next) {
  if (!url.endsWith(".ts")) return next(url, context);
  const path = fileURLToPath(url);
  const { code, errors } = transformSync(path, await readFile(path, "utf8"));
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return { format: "module", source: code, shortCircuit: true };
}
