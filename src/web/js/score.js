/* score.js: a score as a needle over its bands, as the daemon judges this case by:
 * bands: { review?, accept } of GET /v1/enrollments/{id}. */
import { el } from './dom.js';
import { t } from './i18n.js';

/* [name, where it begins]; below what is to be looked at, a similarity is rejected. */
function bandsOf({ review, accept }) {
    return review === undefined ? [['review', 0], ['accept', accept]]
        : [['reject', 0], ['review', review], ['accept', accept]].filter(([, from], i, all) => i === 0 || from > all[i - 1][1]);
}

const place = (value) => `${Math.max(0, Math.min(1, value)) * 100}%`;

function limit(from) {
    const mark = el('span', {}, from.toFixed(2));
    mark.style.left = place(from);
    return mark;
}

/* limits undefined: nobody judges by this score. */
export function scoreBar(name, value, limits) {
    const bands = limits === undefined ? [['none', 0]] : bandsOf(limits);
    const scale = el('div', { class: 'scale', 'aria-hidden': 'true' });
    bands.forEach(([band, from], i) => {
        const part = el('span', { class: band });
        part.style.width = place((bands[i + 1]?.[1] ?? 1) - from);
        scale.append(part);
    });
    const needle = el('span', { class: 'needle' });
    needle.style.left = place(value);
    scale.append(needle);
    const [band] = bands.findLast(([, from]) => value >= from) ?? bands[0];
    return el('div', { class: 'score', 'data-score': name },
        el('div', { class: 'head' }, el('span', {}, t(`score.${name}`)), el('span', {}, `${value.toFixed(2)} · ${t(`score.band.${band}`)}`)),
        scale, el('div', { class: 'limits', 'aria-hidden': 'true' }, ...bands.slice(1).map(([, from]) => limit(from))),
        el('p', { class: 'unseen' }, bands.slice(1).map(([name, from]) => t('score.from', { band: t(`score.band.${name}`), from: from.toFixed(2) })).join(' ')));
}
