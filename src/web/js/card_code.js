/* card_code.js: the code on the screen: of the day, fetched anew by itself before
 * it changes and kept for when there is no network; or of the minute. The strip
 * moves and the clock runs so that a picture of the screen shows as one. */
import { call } from './api.js';
import { byId, el } from './dom.js';
import { t } from './i18n.js';
import { clockText, leftText, now } from './time.js';
import { dropCode, keepCode, readCode } from './wallet.js';

const TICK_MS = 250;
const RETRY_MS = 15000;
/* A code of the minute: asked for anew before its 60 seconds are over. */
const LIVE_MS = 60000;
const LIVE_RENEW_MS = 45000;

export class CodeView {
    /* changed(problem): the credential does not have codes (any more). */
    constructor(wallet, changed) {
        this.path = `/v1/credentials/${wallet.credential_id}/code`;
        this.auth = wallet.auth;
        this.changed = changed;
        this.live = false;
        this.code = readCode();
        this.liveSince = 0;
        this.triedAt = -Infinity;
        this.timer = null;
        this.shown = null;
        this.offline = false;
    }

    start() {
        this.stop();
        this.draw();
        this.timer = setInterval(() => this.tick(), TICK_MS);
        this.tick();
    }

    stop() {
        clearInterval(this.timer);
        this.timer = null;
    }

    setLive(live) {
        this.live = live;
        this.liveSvg = null;
        this.triedAt = -Infinity;
        byId('strip').classList.toggle('live', live);
        this.draw();
        this.tick();
    }

    /* The server did not answer somebody else: no need to wait for one's own turn
     * to say so. */
    unreached() {
        this.offline = true;
        this.describe();
    }

    /* Milliseconds until what is shown is dead; nothing shown: 0. */
    left() {
        if (this.live)
            return this.liveSvg === null ? 0 : this.liveSince + LIVE_MS - performance.now();
        return this.code === null ? 0 : Date.parse(this.code.not_after) - now();
    }

    due() {
        if (this.live)
            return this.liveSvg === null || performance.now() - this.liveSince > LIVE_RENEW_MS;
        return this.code === null || now() >= Date.parse(this.code.refresh_after);
    }

    tick() {
        byId('clock').textContent = clockText();
        if (this.due() && performance.now() - this.triedAt > RETRY_MS)
            this.fetch();
        if (this.left() <= 0)
            this.drop();
        this.describe();
    }

    drop() {
        if (this.live)
            this.liveSvg = null;
        else if (this.code !== null)
            dropCode();
        if (!this.live)
            this.code = null;
        this.draw();
    }

    describe() {
        const left = this.left();
        const bar = byId('life');
        bar.hidden = !this.live;
        bar.value = Math.max(0, left / LIVE_MS);
        let text = t(this.live ? 'code.live' : 'code.day', { left: leftText(left) });
        if (left <= 0)
            text = t(this.offline ? 'code.none' : 'code.fetching');
        else if (this.offline)
            text = t('code.offline', { left: leftText(left) });
        if (byId('until').textContent !== text)
            byId('until').textContent = text;
    }

    async fetch() {
        this.triedAt = performance.now();
        const { live } = this;
        try {
            const began = performance.now();
            const code = live ? null : await call('GET', this.path, { auth: this.auth });
            const picture = await call('GET', live ? `${this.path}?kind=live` : this.path, {
                auth: this.auth, as: 'blob', headers: { Accept: 'image/svg+xml' } });
            const svg = await picture.text();
            this.offline = false;
            if (live !== this.live)
                return;
            if (live) {
                this.liveSince = began;
                this.liveSvg = svg;
            } else {
                this.code = { svg, not_after: code.not_after, refresh_after: code.refresh_after };
                keepCode(this.code);
            }
            this.draw();
        } catch (problem) {
            this.offline = problem.passing;
            if (!problem.passing)
                this.changed(problem);
        }
        this.describe();
    }

    /* The picture as an image of its own: nothing in it is run. */
    draw() {
        const svg = this.live ? this.liveSvg : this.code?.svg;
        if (svg === this.shown)
            return;
        this.shown = svg;
        if (!svg) {
            byId('code').replaceChildren(el('div', { class: 'spinner' }));
            return;
        }
        const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
        byId('code').replaceChildren(el('img', { src: url, alt: t('code.alt'), width: 336, height: 336,
            onload: () => URL.revokeObjectURL(url) }));
    }
}
