/* wallet.js: what this phone keeps: ids, the holder's secret, the name to show,
 * and the last code for when there is no network. clear() erases all of it. */
import { bearer } from './api.js';

const KEPT_AS = 'smartid.wallet';
const CODE_AS = 'smartid.code';

/* Of a chat, in place of the phone's: see chat.js. */
let lent = null;
const shelf = () => lent ?? localStorage;

export function lend(other) {
    lent = other;
}

function read(key) {
    try {
        return JSON.parse(shelf().getItem(key));
    } catch {
        return null;
    }
}

/* false: the browser keeps nothing, as in a private window. */
function write(key, value) {
    try {
        shelf().setItem(key, JSON.stringify(value));
        return true;
    } catch {
        return false;
    }
}

/* { enrollment_id, credential_id, holder_secret, name, auth } or null. */
export function readWallet() {
    const wallet = read(KEPT_AS);
    return wallet && { ...wallet, auth: lent?.auth ?? bearer(wallet.holder_secret) };
}

export const keepWallet = (changes) => write(KEPT_AS, { ...read(KEPT_AS), ...changes });

/* The last code of the day: { svg, not_after, refresh_after }. */
export const readCode = () => read(CODE_AS);
export const keepCode = (code) => write(CODE_AS, code);

export function dropCode() {
    shelf().removeItem(CODE_AS);
}

export function clearWallet() {
    shelf().removeItem(KEPT_AS);
    dropCode();
    lent?.end();
    lent = null;
}

/* Returns what there is to say. */
export const fromChat = async (applicant) => (/^#wechat/.test(location.hash)
    ? (await import('./chat.js')).enter(applicant) : '');
