/* misuse.js: what in the audit log looks like misuse of checks, of some days: the
 * latest first, each with a way to the rows it is about. */
import { call } from './api.js';
import { busy, el, say } from './dom.js';
import { t } from './i18n.js';
import { whenText } from './time.js';
import { word } from './words.js';

const DAY_MS = 24 * 3600 * 1000;
/* A report of a month takes some seconds. */
const PATIENCE_MS = 120000;
/* Days are the bureau's: UTC+8, as the report has them. */
const day = (ms) => new Date(ms + 8 * 3600 * 1000).toISOString().slice(0, 10);

function field(id, value) {
    return el('div', { class: 'field' }, el('label', { for: id }, t(`misuse.${id}`)),
        el('input', { type: 'date', id, value, required: true }));
}

function item(found, desk) {
    const facts = el('dl', { class: 'facts' });
    const add = (name, text) => text !== undefined && facts.append(el('dt', {}, t(`misuse.${name}`)), el('dd', {}, text));
    add('at', whenText(found.at));
    add('client', found.client);
    add('other', found.other_client);
    add('credential', found.credential);
    /* An admin can see a key's rows, an officer only a person's. */
    const subject = found.credential ?? (desk.session.role === 'admin' ? found.client : undefined);
    return el('li', { class: 'card', 'data-rule': found.rule },
        el('h2', {}, word('misuse.rule', found.rule), ' ', el('span', { class: 'tag warn' }, t('misuse.count', { n: found.count }))),
        el('p', { class: 'muted' }, t(`misuse.why.${found.rule}`)), facts,
        subject === undefined ? null : el('button', { class: 'button slim', type: 'button', 'data-do': 'rows',
            onclick: () => desk.open('audit', subject) }, t('misuse.rows')));
}

function answer(report, desk) {
    const told = report.found.length;
    return [
        el('p', { role: 'status' }, t('misuse.looked', { checks: report.checks, n: report.count }),
            report.count > told ? ` ${t('misuse.first', { n: told })}` : ''),
        report.complete ? null : el('p', { class: 'notice warn' }, t('misuse.incomplete', { until: whenText(report.until) })),
        told === 0 ? el('div', { class: 'card empty' }, el('h2', {}, t('misuse.none')), el('p', {}, t('misuse.none.text')))
            : el('ul', { class: 'stack found' }, ...[...report.found].reverse().map((found) => item(found, desk))),
    ].filter(Boolean);
}

export function openMisuse(root, desk) {
    const button = el('button', { class: 'button main', type: 'submit' }, t('misuse.make'));
    const problem = el('p', { class: 'help bad', role: 'alert', hidden: true });
    const place = el('div', { id: 'misuse' });
    const make = async (form) => {
        const [from, to] = ['from', 'to'].map((id) => form.querySelector(`#${id}`).value);
        const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
        say(problem, days >= 1 && days <= 31 ? '' : t('misuse.days'), 'bad');
        if (!(days >= 1 && days <= 31))
            return;
        place.replaceChildren(el('p', { role: 'status' }, t('misuse.making')));
        try {
            const query = new URLSearchParams({ since: from, until: new Date(Date.parse(to) + DAY_MS).toISOString().slice(0, 10) });
            const report = await busy(button, () => call('GET', `/v1/audit/report?${query}`, { auth: desk.session, patience_ms: PATIENCE_MS }));
            desk.note('');
            place.replaceChildren(...answer(report, desk));
        } catch (error) {
            place.replaceChildren();
            desk.failed(error);
        }
    };
    root.replaceChildren(el('form', { class: 'card', novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        make(event.target);
    } },
    el('p', {}, t('misuse.lead')),
    el('div', { class: 'row dates' }, field('from', day(Date.now() - 6 * DAY_MS)), field('to', day(Date.now())), button), problem), place);
}
