/* wallet.js: what this phone keeps: ids, the holder's secret, the name to show,
 * and the last code for when there is no network. clear() erases all of it. */

const KEPT_AS = 'smartid.wallet';
const CODE_AS = 'smartid.code';

function read(key) {
    try {
        return JSON.parse(localStorage.getItem(key));
    } catch {
        return null;
    }
}

/* false: the browser keeps nothing, as in a private window. */
function write(key, value) {
    try {
        localStorage.setItem(key, JSON.stringify(value));
        return true;
    } catch {
        return false;
    }
}

/* { enrollment_id, credential_id, holder_secret, name } or null. */
export const readWallet = () => read(KEPT_AS);

export const keepWallet = (changes) => write(KEPT_AS, { ...readWallet(), ...changes });

/* The last code of the day: { svg, not_after, refresh_after }. */
export const readCode = () => read(CODE_AS);
export const keepCode = (code) => write(CODE_AS, code);

export function dropCode() {
    localStorage.removeItem(CODE_AS);
}

export function clearWallet() {
    localStorage.removeItem(KEPT_AS);
    dropCode();
}
