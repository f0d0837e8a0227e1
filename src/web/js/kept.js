/* kept.js: codes that could not be checked, kept until the service is back: in
 * this page only, so that a reload or a sign-out leaves none. A code says nothing
 * about a person, but it is one's ID until it dies. */
import { call } from './api.js';
import { stamp } from './time.js';

/* Of one request. */
const BATCH_MAX = 50;

export class Kept {
    constructor() {
        this.codes = [];
        addEventListener('beforeunload', (event) => this.count > 0 && event.preventDefault());
    }

    get count() {
        return this.codes.length;
    }

    /* setup: { purpose, counter }. The same code once. */
    add(code, setup) {
        this.codes = this.codes.filter((kept) => kept.code !== code);
        this.codes.push({ code, setup, received_at: stamp() });
    }

    clear() {
        this.codes = [];
    }

    /* Those of the first one's purpose and counter, as many as go at once. */
    next() {
        const [{ setup }] = this.codes;
        const same = (kept) => kept.setup.purpose === setup.purpose && kept.setup.counter === setup.counter;
        return this.codes.filter(same).slice(0, BATCH_MAX);
    }

    /* Checks all of them; told(results) for each batch, where a result has its
     * received_at. What still could not be checked stays. */
    async check(session, told) {
        for (let left = this.codes.length; left > 0;) {
            const batch = this.next();
            const [{ setup }] = batch;
            const { results } = await call('POST', '/v1/verifications/batch', { auth: session, json: { purpose: setup.purpose,
                ...(setup.counter === '' ? {} : { counter: setup.counter }),
                checks: batch.map(({ code, received_at: at }) => ({ code, received_at: at })) } });
            const again = batch.filter((kept, i) => results[i].result === 'could_not_check');
            this.codes = this.codes.filter((kept) => !batch.includes(kept)).concat(again);
            told(batch.map(({ received_at: at }, i) => ({ ...results[i], received_at: at })));
            left -= batch.length;
        }
    }
}
