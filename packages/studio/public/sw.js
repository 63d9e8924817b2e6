/**
 * Offline use and cross-origin isolation. Files with a hash in their name are taken from the cache first; everything
 * else from the network first, so that a new version is seen at once. Only this site's own files are touched.
 */

const cacheName = `relprop ${new URL(self.location.href).searchParams.get("build")}`;

const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

async function takeOver() {
  for (const name of await caches.keys()) {
    if (name.startsWith("relprop ") && name !== cacheName) await caches.delete(name);
  }
  await self.clients.claim();
}

self.addEventListener("message", (event) => {
  const keep = async () => {
    const cache = await caches.open(cacheName);
    for (const url of event.data.keep) {
      if (await cache.match(url, { ignoreVary: true })) continue;
      const response = await fetch(url).catch(() => undefined);
      if (response?.status === 200) await cache.put(url, response);
    }
  };
  if (Array.isArray(event.data?.keep)) event.waitUntil(keep());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  event.respondWith(answer(request, url));
});

async function answer(request, url) {
  const cache = await caches.open(cacheName);
  const isHashed = /\/assets\/.+-[\w-]{8}\.\w+$/.test(url.pathname);
  // These files are the same whoever asks: hosts that vary them by Origin only repeat it in a header.
  const known = await cache.match(request, { ignoreSearch: request.mode === "navigate", ignoreVary: true });
  if (isHashed && known) return isolated(known);
  try {
    const response = await fetch(request);
    if (response.status === 200) await cache.put(request, response.clone());
    return isolated(response);
  } catch (error) {
    if (known) return isolated(known);
    throw error;
  }
}

function isolated(response) {
  if (response.status === 0 || response.type === "opaqueredirect") return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(isolation)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
