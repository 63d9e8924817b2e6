/** Node's hook for `.ts` modules: types are taken away. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transformSync } from "rolldown/utils";

export async function load(url, context, next) {
  if (!url.endsWith(".ts")) return next(url, context);
  const path = fileURLToPath(url);
  const { code, errors } = transformSync(path, await readFile(path, "utf8"));
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return { format: "module", source: code, shortCircuit: true };
}
