/** Options of the command, as messages and inspections write them, as those of the library. */

import type { CompileOptions } from "../../src/index.ts";

const truths: Readonly<Record<string, boolean>> = { true: true, false: false };

export function libraryOptions(option: string): CompileOptions {
  const [flag = "", ...rest] = option.split(" ");
  const text = rest.join(" ").replaceAll("'", "");
  const at = text.lastIndexOf("=");
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  switch (flag) {
    case "--set":
      return { set: { [name]: truths[value] ?? Number(value) } };
    case "--rule":
      return { rules: [{ pattern: name, rule: value }] };
    case "--fallback":
      return { fallback: text as "pass" };
    case "--layer":
      return { layer: text };
    case "--output":
      return { output: text };
    default:
      throw new Error(`no way to try ${option}`);
  }
}
