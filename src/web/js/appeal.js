/* appeal.js: what the person says against a rejection, once. */
import { send } from './api.js';
import { el, say } from './dom.js';
import { t } from './i18n.js';
import { problemText } from './words.js';

const STATEMENT_MAX_BYTES = 400;

export function askAppeal(root, { enrollment_id: id, auth }, { card, selfie }, done, back) {
    const text = el('textarea', { id: 'statement', 'aria-describedby': 'statement-help' });
    const problem = el('p', { class: 'notice bad', role: 'alert', hidden: true });
    const button = el('button', { class: 'button main', type: 'submit', 'data-do': 'send-appeal' }, t('appeal.send'));
    const submit = async () => {
        const statement = text.value.trim();
        if (new TextEncoder().encode(statement).length > STATEMENT_MAX_BYTES) {
            say(problem, t('appeal.long'), 'bad');
            return;
        }
        const form = new FormData();
        form.append('id_photo', card, 'card.jpg');
        form.append('selfie', selfie, 'selfie.jpg');
        if (statement !== '')
            form.append('statement', statement);
        button.disabled = true;
        try {
            await send(`/v1/enrollments/${id}/appeal`, { form, auth, progress: () => {} });
            done();
        } catch (error) {
            say(problem, problemText(error), 'bad');
        }
        button.disabled = false;
    };
    const head = el('h1', { tabindex: '-1' }, t('appeal.title'));
    root.replaceChildren(head, el('p', {}, t('appeal.text')),
        el('form', { class: 'card', novalidate: true, onsubmit: (event) => {
            event.preventDefault();
            submit();
        } },
        el('div', { class: 'field' }, el('label', { for: 'statement' }, t('appeal.statement')), text,
            el('p', { class: 'help', id: 'statement-help' }, t('appeal.help'))),
        problem, el('div', { class: 'actions' }, button,
            el('button', { class: 'button quiet', type: 'button', onclick: back }, t('common.back')))));
    head.focus();
}
