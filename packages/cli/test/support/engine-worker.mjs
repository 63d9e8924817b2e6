/** The thread's code from its sources, as the tests have no build. */
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

const library = fileURLToPath(new URL("../../../relprop/src/", import.meta.url));
const server = await createServer({
  configFile: false,
  root: fileURLToPath(new URL("../../", import.meta.url)),
  appType: "custom",
  logLevel: "error",
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  resolve: {
    alias: [
      { find: /^relprop$/, replacement: `${library}index.ts` },
      { find: /^relprop\/(.*)$/, replacement: `${library}$1/index.ts` },
    ],
  },
});
await server.ssrLoadModule("/src/studio-server/engine-worker.ts");
