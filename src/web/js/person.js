/* person.js: one credential before an officer, and what can be done with it. */
import { call } from './api.js';
import { busy, el, say } from './dom.js';
import { handover } from './handover.js';
import { t } from './i18n.js';
import { whenText } from './time.js';
import { problemText, word } from './words.js';

const REVOKE = ['lost', 'stolen', 'unwanted', 'data_wrong', 'card_invalid', 'deceased', 'fraud'];
const RECOVER = ['lost', 'stolen', 'new_phone', 'not_recognised'];
const KIND = { active: 'good', suspended: 'warn' };

function select(id, label, group, names) {
    return el('div', { class: 'field' }, el('label', { for: id }, label),
        el('select', { id, name: 'reason' }, ...names.map((name) => el('option', { value: name }, word(group, name)))));
}

function tick(name, label) {
    return el('label', { class: 'check' }, el('input', { type: 'checkbox', name, required: true }), el('span', {}, label));
}

/* The forms that open below the card; ask(values) makes the body. */
const FORMS = {
    suspend: { danger: true, fields: () => [el('p', {}, t('person.suspend.text'))], body: () => undefined },
    resume: { fields: () => [el('p', {}, t('person.resume.text'))], body: () => undefined },
    revoke: {
        danger: true,
        fields: () => [el('p', {}, t('person.revoke.text')), select('revoke-reason', t('person.reason'), 'revoke', REVOKE),
            el('div', { class: 'field' }, el('label', { for: 'revoke-note' }, t('person.note')),
                el('textarea', { id: 'revoke-note', name: 'note', maxlength: '130' }))],
        body: (form) => ({ reason: form.get('reason'), ...(form.get('note') ? { note: form.get('note') } : {}) }),
    },
    upgrade: {
        fields: () => [tick('person_seen', t('person.seen')), tick('card_seen', t('person.card'))],
        body: () => ({ person_seen: true, card_seen: true }),
    },
    recover: {
        fields: () => [el('p', {}, t('person.recover.text')), select('recover-reason', t('person.reason'), 'recover', RECOVER)],
        body: (form) => ({ reason: form.get('reason') }),
    },
};
const OFFERED = {
    active: ['upgrade', 'recover', 'suspend', 'revoke'],
    suspended: ['resume', 'recover', 'revoke'],
};

export function personCard(credential, desk, changed) {
    const place = el('div');
    const facts = el('dl', { class: 'facts' });
    const add = (label, text) => facts.append(el('dt', {}, label), el('dd', {}, text));
    add(t('person.assurance'), word('assurance', credential.assurance));
    add(t('person.issued'), whenText(credential.issued_at));
    if (credential.valid_until)
        add(t('person.until'), credential.valid_until);
    if (credential.reason)
        add(t('person.reason'), word('revoke', credential.reason));
    if (credential.suspended_by)
        add(t('person.by'), word('role', credential.suspended_by));
    add('ID', credential.id);
    const offered = (OFFERED[credential.state] ?? []).filter((name) => name !== 'upgrade' || credential.assurance !== 'counter');
    return el('section', { class: 'card person' },
        el('h2', {}, word('type', credential.type), ' ',
            el('span', { class: `tag ${KIND[credential.state] ?? 'bad'}` }, word('state', credential.state))),
        facts,
        el('div', { class: 'row' }, ...offered.map((name) => el('button', { type: 'button', 'data-do': name,
            class: `button slim ${FORMS[name].danger ? 'danger' : ''}`,
            onclick: () => place.replaceChildren(actForm(name, credential, desk, changed, place)) }, t(`person.${name}`)))),
        place);
}

function actForm(name, credential, desk, changed, place) {
    const problem = el('p', { class: 'notice bad', role: 'alert', hidden: true });
    const button = el('button', { class: FORMS[name].danger ? 'button refuse' : 'button main', type: 'submit', 'data-do': `${name}-now` },
        t(`person.${name}`));
    const act = async (form) => {
        if (!form.reportValidity())
            return;
        try {
            const answer = await busy(button, () => call('POST', `/v1/credentials/${credential.id}/${name}`, {
                auth: desk.session, json: FORMS[name].body(new FormData(form)) }));
            desk.note(t(`person.${name}.done`), 'good');
            if (answer?.holder_secret)
                place.replaceChildren(handover({ credential_id: credential.id, enrollment_id: credential.enrollment_id,
                    holder_secret: answer.holder_secret }));
            else
                changed();
        } catch (error) {
            if (error.status === 401)
                desk.failed(error);
            else
                say(problem, problemText(error), 'bad');
        }
    };
    return el('form', { class: 'act', onsubmit: (event) => {
        event.preventDefault();
        act(event.target);
    } }, el('h3', {}, t(`person.${name}`)), ...FORMS[name].fields(), problem,
    el('div', { class: 'row' }, button, el('button', { class: 'button quiet', type: 'button',
        onclick: () => place.replaceChildren() }, t('common.cancel'))));
}
