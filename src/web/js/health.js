/* health.js: how the service is: what waits, how long answers take, what became
 * of today's enrolments and why. Looks again by itself. */
import { call } from './api.js';
import { bars, tile } from './chart.js';
import { el } from './dom.js';
import { t } from './i18n.js';
import { leftText, now } from './time.js';
import { word } from './words.js';

const AGAIN_MS = 15000;

function tiles(overview) {
    const { review = {}, disputes = {}, latency_ms: latency = {} } = overview;
    const oldest = review.oldest_at ? t('health.oldest', { left: leftText(now() - Date.parse(review.oldest_at)) }) : '';
    const round = (value) => (value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
    const ms = (found) => (found?.count > 0 ? `${round(found.p50)} ms` : '–');
    const span = (found) => (found?.count > 0 ? t('health.p99', { ms: round(found.p99) }) : '');
    return el('div', { class: 'tiles' },
        tile(t('health.review'), review.waiting ?? 0, oldest),
        tile(t('health.second'), review.waiting_second ?? 0),
        tile(t('health.disputes'), disputes.open ?? 0),
        tile(t('health.checks'), ms(latency.checks), span(latency.checks)),
        tile(t('health.compare'), ms(latency.enrolments), span(latency.enrolments)));
}

function chart(title, values, group) {
    const entries = Object.entries(values ?? {}).filter(([, value]) => typeof value === 'number');
    return el('section', { class: 'card' }, el('h2', {}, title),
        entries.every(([, value]) => value === 0) ? el('p', { class: 'muted' }, t('health.nothing'))
            : bars(entries.map(([name, value]) => [word(group, name), value])));
}

/* How full it is, not how its numbers compare. */
function queue({ waiting, busy, capacity }) {
    return el('section', { class: 'card' }, el('h2', {}, t('health.queue')),
        bars([[t('queue.waiting'), waiting], [t('queue.busy'), busy]], capacity),
        el('p', { class: 'small muted' }, t('health.room', { n: capacity })));
}

export function openHealth(root, desk) {
    let timer = null;
    const load = async () => {
        try {
            const overview = await call('GET', '/v1/overview', { auth: desk.session });
            desk.note('');
            root.replaceChildren(tiles(overview),
                queue(overview.queue),
                chart(t('health.enrolments'), overview.enrollments_24h, 'state'),
                chart(t('health.reasons'), overview.reasons_24h, 'reason.short'));
        } catch (problem) {
            if (timer !== null)
                desk.failed(problem);
        }
        if (timer !== null)
            timer = setTimeout(load, AGAIN_MS);
    };
    root.replaceChildren(el('p', { role: 'status' }, t('common.loading')));
    timer = setTimeout(load, 0);
    return () => {
        clearTimeout(timer);
        timer = null;
    };
}
