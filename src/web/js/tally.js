/* tally.js: today's count and the last ten answers: when and which, nothing about
 * whom. Kept in this browser for a reload. */

const KEPT_AS = 'smartid.tally';
const LAST = 10;
const today = () => new Date().toDateString();

export function readTally() {
    try {
        const tally = JSON.parse(localStorage.getItem(KEPT_AS));
        return tally?.day === today() ? tally : { day: today(), total: 0, last: [] };
    } catch {
        return { day: today(), total: 0, last: [] };
    }
}

export function addToTally(result) {
    const tally = readTally();
    tally.total += 1;
    tally.last = [{ at: Date.now(), result }, ...tally.last].slice(0, LAST);
    try {
        localStorage.setItem(KEPT_AS, JSON.stringify(tally));
    } catch {
        /* Then only this answer is counted. */
    }
    return tally;
}
