/** Starts public/sw.js: the app works offline after the first visit, and with threads where the host sends no headers. */

/** The page's address tells one build from another: its script's name has a hash. */
const buildId = (): string => new URL(import.meta.url).pathname.split("/").at(-1) ?? "";

/** Registers the worker. Without one (private windows, old browsers) the app does the same, online and with one thread. */
export async function registerServiceWorker(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  try {
    await serviceWorker.register(`./sw.js?build=${encodeURIComponent(buildId())}`);
  } catch {
    return;
  }
  const { active } = await serviceWorker.ready;
  active?.postMessage({ keep: loadedUrls() });
  reloadOnceForIsolation();
}

/** What was loaded before the worker could see it. */
function loadedUrls(): string[] {
  const entries = performance.getEntriesByType("resource").map(({ name }) => name);
  const ours = entries.filter((name) => new URL(name).origin === location.origin);
  return [location.href.replace(/#.*/, ""), ...ours];
}

/** The worker adds the headers of cross-origin isolation; they count from the next load of the page on. */
function reloadOnceForIsolation(): void {
  const key = "relprop-isolation";
  if (globalThis.crossOriginIsolated || sessionStorage.getItem(key) !== null) return;
  sessionStorage.setItem(key, "tried");
  location.reload();
}
