/* batch.js: what became of the codes that were kept in an outage. */
import { el } from './dom.js';
import { t } from './i18n.js';
import { clockText } from './time.js';
import { facts } from './verdict.js';

const KIND = { valid: 'good', not_valid: 'bad' };

function item(answer) {
    const kind = answer.result ?? 'could_not_check';
    const said = kind === 'valid' ? facts(answer.holder, answer.credential?.details ?? answer.details)
        : el('p', {}, t(kind === 'not_valid' ? `verdict.reason.${answer.reason}` : 'batch.again'));
    return el('li', { class: 'card', 'data-result': kind },
        el('p', { class: 'row' }, el('span', { class: `tag ${KIND[kind] ?? 'warn'}` }, t(`verdict.${kind}`)),
            el('span', { class: 'muted' }, t('batch.received', { at: clockText(Date.parse(answer.received_at), false) }))), said);
}

/* Fills root; back() leaves. */
export function showBatch(root, results, back) {
    const n = (kind) => results.filter(({ result }) => (result ?? 'could_not_check') === kind).length;
    const on = el('button', { class: 'button main', type: 'button', id: 'batch-back', onclick: back }, t('batch.back'));
    root.replaceChildren(
        el('h1', { tabindex: '-1' }, t('batch.title')),
        el('p', { role: 'status' }, ...['valid', 'not_valid', 'could_not_check'].filter((kind) => n(kind) > 0).flatMap((kind) =>
            [el('span', { class: `tag ${KIND[kind] ?? 'warn'}` }, `${t(`verdict.${kind}`)} ${n(kind)}`), ' '])),
        el('ul', { class: 'results' }, ...results.map(item)),
        el('div', { class: 'actions' }, on));
    on.focus({ preventScroll: true });
}
