// Opens the page without a connection, and hands files from the share sheet of the device over to it. The network comes
// first, and only the page and its assets are stored, never data of users. The service puts the constants `version`,
// `files` (the paths of what is stored) and `shareTarget` in front of this script.

/** Caches belong to the whole origin, which may have other sites below other path prefixes. */
const prefix = `image-sharing ${registration.scope} `;
const cacheName = prefix + version;
const addressOf = (path) => new URL(path, registration.scope).href;
const addresses = files.map(addressOf);

addEventListener("install", (event) => {
  const store = async () => {
    const cache = await caches.open(cacheName);
    await cache.addAll(addresses.map((address) => new Request(address, { cache: "reload" })));
    await skipWaiting();
  };
  event.waitUntil(store());
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
  if (request.method === "POST" && request.url === addressOf(shareTarget)) return receive(event);
  if (request.method !== "GET" || !addresses.includes(request.url.split("#")[0])) return;
  // The script of the page chooses the language, whatever the HTML was requested in.
  const stored = async () =>
    (await caches.match(request, { cacheName, ignoreVary: true })) ?? Response.error();
  event.respondWith(fetch(request).catch(stored));
});

/** Shared files that wait until their page has loaded, by the id of its client. */
const shared = new Map();
const maxWaitMs = 60_000;

/** Opens the page, and keeps the files in memory until it asks for them. */
function receive(event) {
  const { request, resultingClientId } = event;
  // A redirect, so that a reload does not send the files again.
  event.respondWith(Response.redirect(addressOf("./#/"), 303));
  const form = request.formData();
  const handedOver = new Promise((resolve) => {
    shared.set(resultingClientId, { form, resolve });
    setTimeout(resolve, maxWaitMs);
  });
  event.waitUntil(handedOver.then(() => shared.delete(resultingClientId)));
}

addEventListener("message", ({ source }) => {
  const { form, resolve } = shared.get(source.id) ?? {};
  form?.then((fields) => source.postMessage(fields.getAll("files"))).finally(resolve);
});
