/* i18n.js: the two languages. Elements name their text with data-t, their label
 * with data-t-label, and get it when the language is known or changes. Residents
 * do not load what only staff are told. */

const LANGUAGES = {
    'zh-CN': [() => import('./text/zh-CN.js'), () => import('./text/zh-CN.staff.js')],
    en: [() => import('./text/en.js'), () => import('./text/en.staff.js')],
};
const KEPT_AS = 'smartid.language';
const listeners = new Set();
let texts = {};
let language = 'zh-CN';

function wanted() {
    let kept = null;
    try {
        kept = localStorage.getItem(KEPT_AS);
    } catch {
        /* A browser may forbid storage: then nothing was chosen. */
    }
    if (kept in LANGUAGES)
        return kept;
    return (navigator.languages ?? [navigator.language])[0]?.startsWith('zh') ? 'zh-CN' : 'en';
}

/* The text of a key, with {names} filled in. */
export function t(key, values = {}) {
    const text = texts[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

export const has = (key) => key in texts;
export const currentLanguage = () => language;

/* fill is called now and whenever the language changes. */
export function onLanguage(fill) {
    listeners.add(fill);
    fill();
}

export function translate(root) {
    for (const element of root.querySelectorAll('[data-t]'))
        element.textContent = t(element.dataset.t);
    for (const element of root.querySelectorAll('[data-t-label]'))
        element.setAttribute('aria-label', t(element.dataset.tLabel));
}

async function use(name, staff) {
    const parts = await Promise.all(LANGUAGES[name].slice(0, staff ? 2 : 1).map((load) => load()));
    texts = Object.assign({}, ...parts.map((part) => part.default));
    language = name;
    document.documentElement.lang = name;
    document.title = t(document.documentElement.dataset.title);
    translate(document);
    for (const fill of listeners)
        fill();
}

/* Chooses the language, and makes the button with the id "language" change it. */
export async function startLanguage({ staff = false } = {}) {
    const button = document.getElementById('language');
    button.addEventListener('click', async () => {
        const other = language === 'en' ? 'zh-CN' : 'en';
        await use(other, staff);
        try {
            localStorage.setItem(KEPT_AS, other);
        } catch {
            /* It holds for this visit then. */
        }
    });
    await use(wanted(), staff);
    document.body.hidden = false;
}
