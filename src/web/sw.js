/* sw.js: keeps the resident's pages on the phone, so that the card opens without
 * a network. Only these files: nothing of a person, no answer of the API. The
 * network comes first; what is kept is for when it does not answer in time. */
const KEPT = 'smartid-shell';
const PATIENCE_MS = 3000;
const SHELL = [
    '/card',
    '/enroll',
    '/manifest.webmanifest',
    '/web/icon.svg',
    ...['tokens', 'base', 'capture', 'enroll', 'card'].map((name) => `/web/css/${name}.css`),
    ...['api', 'appeal', 'camera', 'capture', 'card', 'card_checks', 'card_code', 'card_menu',
        'challenge', 'consent', 'consent_version', 'details', 'dialog', 'dom', 'enroll', 'head', 'i18n',
        'idnumber', 'outcome', 'photo', 'quality', 'send', 'session', 'time', 'turns', 'wallet',
        'words', 'text/en', 'text/zh-CN'].map((name) => `/web/js/${name}.js`),
];

self.addEventListener('install', (event) => {
    /* A page that is switched off is no reason to keep none of the others. */
    event.waitUntil(caches.open(KEPT).then((cache) =>
        Promise.allSettled(SHELL.map((path) => cache.add(path)))));
    self.skipWaiting();
});

self.addEventListener('activate', (event) => {
    event.waitUntil(self.clients.claim());
});

async function fresh(request, path) {
    const answer = await fetch(request);
    if (answer.ok) {
        const cache = await caches.open(KEPT);
        await cache.put(path, answer.clone());
    }
    return answer;
}

async function respond(request, path) {
    const kept = await caches.match(path);
    const asked = fresh(request, path);
    if (!kept)
        return asked;
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, kept));
    return Promise.race([asked.then((answer) => (answer.ok ? answer : kept), () => kept), late]);
}

self.addEventListener('fetch', (event) => {
    const url = new URL(event.request.url);
    if (event.request.method === 'GET' && url.origin === self.location.origin &&
        SHELL.includes(url.pathname))
        event.respondWith(respond(event.request, url.pathname));
});
