/* disputes.js: checks that holders say were not right, the oldest first. */
import { call } from './api.js';
import { busy, el, say } from './dom.js';
import { t } from './i18n.js';
import { whenText } from './time.js';
import { problemText, word } from './words.js';

const PAGE = 20;
const NOTE_MAX_BYTES = 400;

function settleForm(dispute, desk, settled) {
    const id = `note-${dispute.id}`;
    const text = el('textarea', { id });
    const problem = el('p', { class: 'help bad', role: 'alert', hidden: true });
    const settle = (button, outcome) => async () => {
        const note = text.value.trim();
        if (note === '' || new TextEncoder().encode(note).length > NOTE_MAX_BYTES) {
            say(problem, t(note === '' ? 'decide.needed' : 'appeal.long'), 'bad');
            text.focus();
            return;
        }
        try {
            await busy(button, () => call('POST', `/v1/disputes/${dispute.id}/settle`, { auth: desk.session, json: { outcome, note } }));
            settled(outcome);
        } catch (error) {
            if (error.status === 401)
                desk.failed(error);
            else
                say(problem, problemText(error), 'bad');
        }
    };
    const buttons = ['upheld', 'dismissed'].map((outcome) => {
        const button = el('button', { class: 'button', type: 'button', 'data-do': outcome }, t(`settle.${outcome}`));
        button.addEventListener('click', settle(button, outcome));
        return button;
    });
    return el('div', { class: 'field' }, el('label', { for: id }, t('settle.note')), text, problem,
        el('div', { class: 'actions side' }, ...buttons));
}

function item(dispute, desk, left) {
    const check = dispute.check ?? dispute;
    const card = el('li', { class: 'card' },
        el('h2', {}, check.party || t('checks.party.none')),
        el('dl', { class: 'facts' },
            el('dt', {}, t('settle.check')), el('dd', {}, [whenText(check.at ?? dispute.opened_at), check.purpose && word('purpose', check.purpose),
                check.counter && t('checks.counter', { counter: check.counter })].filter(Boolean).join(' · ')),
            el('dt', {}, t('settle.outcome')), el('dd', {}, check.outcome ? word('outcome', check.outcome) : '–'),
            el('dt', {}, t('settle.opened')), el('dd', {}, whenText(dispute.opened_at))),
        el('div', { class: 'notice' }, el('h3', {}, t('settle.words')), el('p', {}, dispute.reason ?? '–')));
    card.append(settleForm(dispute, desk, (outcome) => {
        card.remove();
        desk.note(t(`settle.done.${outcome}`), 'good');
        left();
    }));
    return card;
}

export function openDisputes(root, desk) {
    const list = el('ul', { class: 'stack' });
    let next = null;
    const more = el('button', { class: 'button', type: 'button', hidden: true }, t('console.more'));
    const empty = () => {
        if (list.children.length === 0)
            root.replaceChildren(el('div', { class: 'card empty' }, el('h2', {}, t('settle.none')), el('p', {}, t('settle.none.text'))));
    };
    const load = async () => {
        try {
            const after = next === null ? '' : `&after=${encodeURIComponent(next)}`;
            const answer = await call('GET', `/v1/disputes?state=open&limit=${PAGE}${after}`, { auth: desk.session });
            list.append(...answer.disputes.map((dispute) => item(dispute, desk, empty)));
            next = answer.next ?? null;
            more.hidden = next === null;
            root.replaceChildren(list, more);
            empty();
        } catch (problem) {
            desk.failed(problem);
        }
    };
    more.addEventListener('click', () => busy(more, load));
    root.replaceChildren(el('p', { role: 'status' }, t('common.loading')));
    load();
}
