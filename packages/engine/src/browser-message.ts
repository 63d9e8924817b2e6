/** The library's errors in words for the page: it has none of the options that they advise whoever types the command. */

import type { RelpropError } from "@relprop/core";

const flag = /(?<![\w-])--[a-z]/;
/** What an option in brackets explains, and a last clause that names one. */
const brackets = / \([^()]*(?<![\w-])--[a-z][^()]*\)/g;
const lastClause = /[:;,][^:;,]*(?<![\w-])--[a-z].*$/;

const elsewhere = "the studio cannot do more here, but the command `relprop` can";

/** The message, without the command's options; where they would help, it says that the command can. */
export function browserMessage({ message, fix }: Pick<RelpropError, "message" | "fix">): string {
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
