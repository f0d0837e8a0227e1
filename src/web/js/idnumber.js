/* idnumber.js: the form of a Chinese ID number (GB 11643-1999): digits, date of
 * birth, check character by ISO 7064 MOD 11-2. The server judges again. */

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS = '10X98765432';

/* As it is typed on phones: full-width digits, blanks, a small x. */
export function tidyNumber(text) {
    return text.normalize('NFKC').replace(/[\s-]/g, '').toUpperCase();
}

function dateExists(text) {
    const [year, month, day] = [text.slice(0, 4), text.slice(4, 6), text.slice(6, 8)].map(Number);
    const date = new Date(Date.UTC(year, month - 1, day));
    return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && year >= 1800 &&
        date.getTime() <= Date.now();
}

/* 'empty', 'letters', 'short', 'long', 'date', 'check' or 'good'. */
export function judgeNumber(text) {
    const number = tidyNumber(text);
    if (number === '')
        return 'empty';
    if (!/^\d*X?$/.test(number) || (number.includes('X') && number.length < 18))
        return 'letters';
    if (number.length > 18)
        return 'long';
    if (number.length >= 14 && !dateExists(number.slice(6, 14)))
        return 'date';
    if (number.length < 18)
        return 'short';
    const sum = WEIGHTS.reduce((total, weight, i) => total + weight * Number(number[i]), 0);
    return CHECKS[sum % 11] === number[17] ? 'good' : 'check';
}
