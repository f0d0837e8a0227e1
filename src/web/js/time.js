/* time.js: the server's time, so that a phone with a wrong clock shows the right
 * countdown; and times in words. */
import { currentLanguage, t } from './i18n.js';

let ahead_ms = 0;

/* Learns from the Date of an answer. */
export function learnTime(date) {
    const server = Date.parse(date ?? '');
    if (!Number.isNaN(server))
        ahead_ms = server - Date.now();
}

export const now = () => Date.now() + ahead_ms;

/* RFC 3339, some seconds back: the header has whole seconds and was on its way. */
export const stamp = () => new Date(now() - 5000).toISOString().replace(/\.\d+Z$/, 'Z');

export function clockText(at = now(), seconds = true) {
    return new Date(at).toLocaleTimeString(currentLanguage(), {
        hour: '2-digit', minute: '2-digit', second: seconds ? '2-digit' : undefined, hour12: false });
}

export function whenText(rfc3339) {
    return new Date(rfc3339).toLocaleString(currentLanguage(), {
        year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false });
}

/* What is left, in the two largest units. */
export function leftText(ms) {
    const s = Math.max(0, Math.ceil(ms / 1000));
    if (s < 90)
        return t('time.seconds', { s });
    const m = Math.floor(s / 60);
    if (m < 90)
        return t('time.minutes', { m });
    return t('time.hours', { h: Math.floor(m / 60), m: m % 60 });
}

export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
