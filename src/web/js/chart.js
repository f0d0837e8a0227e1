/* chart.js: numbers as tiles and as bars, each bar with its number beside it. */
import { el } from './dom.js';

export function tile(label, value, below = '') {
    return el('div', { class: 'tile' }, el('strong', {}, String(value)), el('span', {}, label),
        below === '' ? null : el('span', { class: 'small muted' }, ` ${below}`));
}

/* rows: [label, number]. most: what a full bar stands for. */
export function bars(rows, most = Math.max(1, ...rows.map(([, value]) => value))) {
    const list = el('dl', { class: 'bars' });
    for (const [label, value] of rows) {
        const bar = el('div', { class: 'bar', 'aria-hidden': 'true' });
        bar.style.width = `${(value / most) * 100}%`;
        list.append(el('dt', {}, label), el('dd', {}, bar), el('dd', {}, String(value)));
    }
    return list;
}
