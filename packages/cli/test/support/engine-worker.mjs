/** The thread's code from its sources, as the tests have no build. */
import { fileURLToPath } from "node:url";
import { createServer } from "vite";
import { sourceAliases } from "../../../../scripts/source-aliases.mjs";

const server = await createServer({
  configFile: false,
  root: fileURLToPath(new URL("../../", import.meta.url)),
  appType: "custom",
  logLevel: "error",
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  resolve: { alias: sourceAliases },
});
await server.ssrLoadModule("/src/studio-server/engine-worker.ts");
