/** The workspace's packages as their sources, so that tests and apps need no build of them. */
import { fileURLToPath } from "node:url";

const source = (folder) => fileURLToPath(new URL(`../packages/${folder}/src/`, import.meta.url));

/** For Vite's `resolve.alias`. */
export const sourceAliases = [
  { find: /^@relprop\/core$/, replacement: `${source("relprop")}index.ts` },
  { find: /^@relprop\/core\/([a-z]+)$/, replacement: `${source("relprop")}$1/index.ts` },
  { find: /^@relprop\/engine\/([a-z-]+)$/, replacement: `${source("engine")}$1.ts` },
];
