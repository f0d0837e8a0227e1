/* counter.js: enrolment at a counter, without a face, by who sees person and card. */
import { call } from './api.js';
import { numberField } from './details.js';
import { busy, el, say } from './dom.js';
import { handover } from './handover.js';
import { t } from './i18n.js';
import { tidyNumber } from './idnumber.js';
import { stamp } from './time.js';
import { CONSENT_VERSION } from './consent_version.js';
import { problemText, reasonText } from './words.js';

function field(id, label, input) {
    return el('div', { class: 'field' }, el('label', { for: id }, label), input);
}

function tick(id, label) {
    return el('label', { class: 'check' }, el('input', { type: 'checkbox', id, required: true }), el('span', {}, label));
}

function bodyOf(form) {
    const value = (id) => form.querySelector(`#${id}`).value.trim();
    return {
        holder: { name: value('c-name'), id_number: tidyNumber(value('c-number')),
            ...(value('c-until') === '' ? {} : { valid_until: value('c-until') }),
            consent: { version: CONSENT_VERSION, given_at: stamp() } },
        person_seen: true,
        card_seen: true,
        ...(form.querySelector('#c-replace').checked ? { replace: true } : {}),
    };
}

export function openCounter(root, desk) {
    const number = el('input', { type: 'text', class: 'code', id: 'c-number', autocomplete: 'off', maxlength: '24',
        'aria-describedby': 'c-number-help', required: true });
    const help = el('p', { class: 'help', id: 'c-number-help', role: 'status' });
    const problem = el('p', { class: 'notice bad', role: 'alert', hidden: true });
    const button = el('button', { class: 'button main', type: 'submit', id: 'c-send' }, t('counter.send'));
    const good = numberField(number, help);
    const send = async (form) => {
        if (!good()) {
            number.focus();
            return;
        }
        if (!form.reportValidity())
            return;
        try {
            const answer = await busy(button, () => call('POST', '/v1/counter/enrollments', { auth: desk.session, json: bodyOf(form) }));
            done(answer);
        } catch (error) {
            if (error.status === 401)
                desk.failed(error);
            else
                say(problem, problemText(error), 'bad');
        }
    };
    const done = (answer) => {
        if (answer.state === 'rejected') {
            say(problem, answer.reasons.map(reasonText).join(' '), 'bad');
            return;
        }
        const again = el('button', { class: 'button', type: 'button', onclick: () => openCounter(root, desk) }, t('counter.another'));
        root.replaceChildren(el('div', { class: 'card' },
            el('h2', {}, t(answer.credential_id ? 'counter.done' : 'counter.waits')),
            answer.credential_id ? handover({ credential_id: answer.credential_id, enrollment_id: answer.id,
                holder_secret: answer.holder_secret }) : el('p', {}, t('counter.waits.text')),
            again));
    };
    root.replaceChildren(el('form', { class: 'card', novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        send(event.target);
    } },
    el('h2', {}, t('counter.title')), el('p', {}, t('counter.lead')),
    field('c-name', t('details.name'), el('input', { type: 'text', id: 'c-name', autocomplete: 'off', maxlength: '60', required: true })),
    el('div', { class: 'field' }, el('label', { for: 'c-number' }, t('details.number')), number, help),
    field('c-until', t('details.until'), el('input', { type: 'date', id: 'c-until' })),
    tick('c-seen', t('person.seen')), tick('c-card', t('person.card')), tick('c-consent', t('counter.consent')),
    el('label', { class: 'check' }, el('input', { type: 'checkbox', id: 'c-replace' }), el('span', {}, t('counter.replace'))),
    problem, button));
}
