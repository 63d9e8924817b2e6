import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin, type UserConfig } from "vite";
import { sourceAliases } from "../../scripts/source-aliases.mjs";

/** Cross-origin isolation: without it ONNX Runtime has one thread only. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

const gallery = fileURLToPath(new URL("public/gallery/", import.meta.url));

/** Lists the app's own files, and the gallery of the model that comes with it, for the service worker. ONNX Runtime has several builds; the one in use is added when it is. */
const offlineList = (): Plugin => ({
  name: "offline-list",
  generateBundle(_options, bundle) {
    const code = Object.keys(bundle).filter((file) => !/\bort\b/.test(file));
    const digits = readdirSync(gallery).filter((file) => file.startsWith("digit"));
    const files = [...code, ...digits.map((file) => `gallery/${file}`)];
    this.emitFile({ type: "asset", fileName: "offline.json", source: JSON.stringify(files) });
  },
});

/** What `build.license` is to the page, for the worker, which Vite builds on its own. */
const workerLicenses = (): Plugin => ({
  name: "worker-licenses",
  generateBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
    const folders = modules.flatMap((id) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
    const texts = [...new Set(folders)].toSorted().map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
        readonly [key: string]: string;
      };
      const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
      const text = file ? readFileSync(join(folder, file), "utf8").trim() : "";
      return `## ${name} - ${version} (${license})\n\n${text}\n`;
    });
    this.emitFile({ type: "asset", fileName: "licenses-worker.md", source: texts.join("\n") });
  },
});

/** The library that writes videos has names of its own, so that what it weighs is told from the app's code. */
const chunkFileNames = ({ moduleIds }: { readonly moduleIds: readonly string[] }): string =>
  moduleIds.some((id) => id.includes("/mediabunny/"))
    ? "assets/video-[name]-[hash].js"
    : "assets/[name]-[hash].js";

const config: UserConfig = defineConfig({
  // Relative addresses, so that the build can lie in any folder of any host.
  base: "./",
  plugins: [svelte({ configFile: false }), offlineList()],
  resolve: {
    // The library is used from its sources, so that the app needs no build of it.
    alias: sourceAliases,
    // ONNX Runtime's glue as files of their own: its threads are started from them.
    conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "development|production"],
  },
  optimizeDeps: { exclude: ["onnxruntime-web"] },
  worker: { format: "es", plugins: () => [workerLicenses()] },
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
    // What the licences of the libraries inside ask for.
    license: { fileName: "licenses.md" },
    rolldownOptions: { output: { chunkFileNames } },
  },
  server: { host: "127.0.0.1", headers },
  preview: { host: "127.0.0.1", headers },
});
export default config;
