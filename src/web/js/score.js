/* score.js: a score as a needle over its bands. */
import { el } from './dom.js';
import { t } from './i18n.js';

/* The daemon's defaults: match_review, match_accept, match_accept_without (no
 * challenge) and liveness_review of config/smartidd.conf.example. */
const BANDS = {
    similarity: [['reject', 0], ['review', 0.35], ['accept', 0.5]],
    similarity_without: [['reject', 0], ['review', 0.35], ['accept', 0.6]],
    liveness: [['review', 0], ['accept', 0.1]],
};

export function scoreBar(name, value, kind = name) {
    const bands = BANDS[kind];
    const shown = Math.max(0, Math.min(1, value));
    const scale = el('div', { class: 'scale', 'aria-hidden': 'true' });
    bands.forEach(([band, from], i) => {
        const part = el('span', { class: band });
        part.style.width = `${((bands[i + 1]?.[1] ?? 1) - from) * 100}%`;
        scale.append(part);
    });
    const needle = el('span', { class: 'needle' });
    needle.style.left = `${shown * 100}%`;
    scale.append(needle);
    const [band] = bands.findLast(([, from]) => value >= from) ?? bands[0];
    return el('div', { class: 'score' },
        el('div', { class: 'head' }, el('span', {}, t(`score.${name}`)), el('span', {}, `${value.toFixed(2)} · ${t(`score.band.${band}`)}`)),
        scale);
}
