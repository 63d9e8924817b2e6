/** The library's errors, worded for the studio, which has no command-line options. */

import type { RelpropError } from "@relprop/core";

const flag = /(?<![\w-])--[a-z]/;
/** Matches brackets that mention an option, and a last clause that names one. */
const brackets = / \([^()]*(?<![\w-])--[a-z][^()]*\)/g;
const lastClause = /[:;,][^:;,]*(?<![\w-])--[a-z].*$/;

const elsewhere = "the studio cannot do more here, but the command `relprop` can";

/** The message without command-line options; if the fix needs one, it refers to the command instead. */
export function studioMessage({ message, fix }: Pick<RelpropError, "message" | "fix">): string {
  if (!flag.test(message)) return message;
  const said = fix !== undefined && flag.test(fix) ? message.replace(fix, elsewhere) : message;
  return said
    .split("\n")
    .map((line) => withoutFlags(line))
    .join("\n");
}

function withoutFlags(line: string): string {
  const bare = line.replaceAll(brackets, "");
  return flag.test(bare) ? bare.replace(lastClause, "") : bare;
}
