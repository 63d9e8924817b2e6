/** Registers public/sw.js: the app then works offline, and with threads even if the host sends no isolation headers. */

import { loadedChannel } from "./loaded-channel.ts";

/** Identifies the build by the hash in its script's name. */
const buildId = (): string => new URL(import.meta.url).pathname.split("/").at(-1) ?? "";

/** Registers the worker. Without one (private windows, old browsers) the app runs online only and with one thread. */
export async function registerServiceWorker(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  try {
    await serviceWorker.register(`./sw.js?build=${encodeURIComponent(buildId())}`);
  } catch {
    return;
  }
  const { active } = await serviceWorker.ready;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is of this origin
  const keep = (urls: readonly string[]): void => active?.postMessage({ keep: urls.filter(isOurs) });
  new BroadcastChannel(loadedChannel).addEventListener("message", (event: MessageEvent<string[]>) =>
    keep([...loadedUrls(), ...event.data]),
  );
  const response = await fetch("./offline.json").catch(() => undefined);
  const files = response?.ok ? ((await response.json()) as string[]) : [];
  keep([...loadedUrls(), ...files.map((file) => new URL(file, document.baseURI).href)]);
  reloadOnceForIsolation();
}

const isOurs = (url: string): boolean => new URL(url).origin === location.origin;

/** Files that were loaded before the worker was active. */
function loadedUrls(): string[] {
  const entries = performance.getEntriesByType("resource").map(({ name }) => name);
  return [location.href.replace(/#.*/, ""), ...entries];
}

/** The worker adds the headers of cross-origin isolation, which take effect at the next load. */
function reloadOnceForIsolation(): void {
  const key = "relprop-isolation";
  if (globalThis.crossOriginIsolated || sessionStorage.getItem(key) !== null) return;
  sessionStorage.setItem(key, "tried");
  location.reload();
}
