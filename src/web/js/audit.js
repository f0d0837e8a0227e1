/* audit.js: rows of the audit log: an admin sees all, an officer what concerns an
 * enrolment or a credential they name; and what looks like misuse. */
import { call } from './api.js';
import { busy, el, say } from './dom.js';
import { t } from './i18n.js';
import { whenText } from './time.js';
import { word } from './words.js';

const PAGE = 50;

function detailText(detail) {
    return typeof detail === 'object' ? Object.entries(detail).map(([name, value]) => `${name}=${value}`).join(' ') : detail ?? '';
}

/* Whom it is about is said once when only that was asked for. */
function rowOf(row, one) {
    return el('tr', {}, el('td', {}, row.at ? whenText(row.at) : ''), el('td', {}, word('event', row.event)),
        el('td', {}, row.actor ?? ''), one ? null : el('td', {}, row.subject ?? ''), el('td', {}, row.outcome ?? ''), el('td', {}, detailText(row.detail)));
}

function table(rows, one) {
    return el('div', { class: 'scroll card', tabindex: '0', role: 'region', 'aria-label': t('console.audit') }, el('table', {},
        el('thead', {}, el('tr', {}, ...['at', 'event', 'actor', one ? null : 'subject', 'outcome', 'detail'].filter(Boolean).map((name) =>
            el('th', { scope: 'col' }, t(`audit.${name}`))))), el('tbody', {}, ...rows)));
}

export function openAudit(root, desk) {
    const admin = desk.session.role === 'admin';
    const subject = el('input', { type: 'text', class: 'code', id: 'subject', autocomplete: 'off', 'aria-describedby': 'subject-help' });
    const help = el('p', { class: 'help', id: 'subject-help' }, t(admin ? 'audit.help.admin' : 'audit.help.officer'));
    const button = el('button', { class: 'button main', type: 'submit' }, t('audit.show'));
    const place = el('div', { 'aria-live': 'polite' });
    const more = el('button', { class: 'button', type: 'button', hidden: true }, t('console.more'));
    let rows = [];
    let next = null;
    const load = async () => {
        const one = subject.value.trim() !== '';
        const query = new URLSearchParams({ limit: String(PAGE) });
        if (one)
            query.set('subject', subject.value.trim());
        if (next !== null)
            query.set('after', String(next));
        try {
            const answer = await call('GET', `/v1/audit?${query}`, { auth: desk.session });
            rows = rows.concat(answer.rows.map((row) => rowOf(row, one)));
            next = answer.next ?? null;
            more.hidden = next === null;
            place.replaceChildren(rows.length === 0 ? el('div', { class: 'card empty' }, el('p', {}, t('audit.none'))) : table(rows, one));
        } catch (problem) {
            desk.failed(problem);
        }
    };
    const show = async () => {
        const needed = !admin && !/^(crd|enr)_[0-9A-Za-z]+$/.test(subject.value.trim());
        say(help, t(needed ? 'audit.needed' : admin ? 'audit.help.admin' : 'audit.help.officer'), needed ? 'bad' : '');
        if (needed)
            return;
        rows = [];
        next = null;
        await busy(button, load);
    };
    more.addEventListener('click', () => busy(more, load));
    root.replaceChildren(el('form', { class: 'card', novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        show();
    } },
    el('div', { class: 'field' }, el('label', { for: 'subject' }, t('audit.subject')), subject, help), button), place, more);
    if (admin)
        show();
}
