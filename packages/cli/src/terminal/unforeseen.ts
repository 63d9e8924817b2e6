/** What is said of errors that relprop does not throw on purpose: one line, never a stack. */

import { getSystemErrorMap } from "node:util";
import { RelpropError, version } from "@relprop/core";
import { withoutControls } from "@relprop/core/internal";

/** What is printed of an error that ends the command. */
export function lastWords(error: unknown): string {
  if (error instanceof RelpropError) return error.message;
  const isDebugged = (process.env["RELPROP_DEBUG"] ?? "") !== "";
  const stack = isDebugged && error instanceof Error ? `\n${error.stack}` : "";
  const system = systemError(error);
  if (system !== undefined) return `${system}${stack}`;
  const what = withoutControls(
    error instanceof Error ? `${error.name}: ${error.message}` : String(error),
  ).slice(0, 500);
  const hint = isDebugged ? "" : " and what RELPROP_DEBUG=1 shows in front of it";
  return `relprop ${version} did not foresee this: ${what}; please report it with the command${hint}${stack}`;
}

/** What the system did not allow: which file, and why. */
function systemError(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  const { code, syscall, errno, path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const [name, message] = getSystemErrorMap().get(errno ?? 0) ?? [];
  const why = name === code ? message : code;
  const places = [path, dest].flatMap((place) =>
    place === undefined ? [] : [` "${withoutControls(place)}"`],
  );
  return `cannot ${syscall}${places.join(" to")}: ${why}`;
}
