/** All kinds. Models come more often: they have the most ways to be wrong. */

import type { Kind } from "../kind.ts";
import { files } from "./files.ts";
import { models } from "./models.ts";

export const kinds: readonly Kind[] = [...files, ...files.map(() => models)];
