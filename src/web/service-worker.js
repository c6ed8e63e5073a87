// Shows the page without a connection, where it says so. It asks the network first, touches the page and its assets only,
// and keeps nothing of users. The service sets `version` and `files`, the paths of what is kept, in front of this script.

/** Caches belong to the whole origin, where there may be other sites below other path prefixes. */
const prefix = `image-sharing ${registration.scope} `;
const cacheName = prefix + version;
const addresses = files.map((file) => new URL(file, registration.scope).href);

addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(cacheName);
    await cache.addAll(addresses.map((address) => new Request(address, { cache: "reload" })));
    await skipWaiting();
  };
  event.waitUntil(keep());
});

addEventListener("activate", (event) => {
  const removeOthers = async () => {
    const outdated = (await caches.keys()).filter((name) => name.startsWith(prefix) && name !== cacheName);
    await Promise.all(outdated.map((name) => caches.delete(name)));
  };
  event.waitUntil(removeOthers());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !addresses.includes(request.url.split("#")[0])) return;
  const kept = async () => (await caches.match(request, { cacheName })) ?? Response.error();
  event.respondWith(fetch(request).catch(kept));
});
