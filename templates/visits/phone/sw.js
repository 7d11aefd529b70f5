// The service worker of the phone's app, written by visits/app_views.py: it keeps the app's own page and files, and
// leaves everything else to the network. It touches no request but GET.
const VERSION = "{{ version }}";
const CACHE = `phone-${VERSION}`;
const SHELL = "{{ shell|escapejs }}";
const ASSETS = [{% for url in assets %}"{{ url|escapejs }}", {% endfor %}];

self.addEventListener("install", (event) => {
  event.waitUntil(fill());
});

// All or nothing: a half-filled cache would be a half-old app. "reload": not what the browser's own cache holds.
async function fill() {
  const cache = await caches.open(CACHE);
  await cache.addAll(ASSETS.map((url) => new Request(url, { cache: "reload" })));
  const page = await fetch(new Request(SHELL, { cache: "reload", credentials: "same-origin" }));
  // without a login the server leads to the login page, which is not the app
  if (!page.ok || page.redirected) throw new Error("not logged in");
  await cache.put(SHELL, page);
}

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith("phone-") && name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

// The app says when nothing is being written: then the new version may take over.
self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === SHELL) event.respondWith(shell(request));
    else if (url.pathname.startsWith("/phone/") || url.pathname === "/") event.respondWith(fetch(request).catch(() => Response.redirect(SHELL)));
  } else if (ASSETS.includes(url.pathname)) {
    event.respondWith(caches.match(url.pathname).then((kept) => kept || fetch(request)));
  }
});

async function shell(request) {
  return (await caches.match(SHELL)) || fetch(request);
}
