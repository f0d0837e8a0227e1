/* search.js: a credential by its id, or those of an ID number. */
import { call } from './api.js';
import { busy, el, say } from './dom.js';
import { t } from './i18n.js';
import { judgeNumber, tidyNumber } from './idnumber.js';
import { personCard } from './person.js';

function question(text) {
    const clean = text.trim();
    if (/^crd_[0-9A-Za-z]+$/.test(clean))
        return { credential_id: clean };
    return judgeNumber(clean) === 'good' ? { id_number: tidyNumber(clean) } : null;
}

export function openSearch(root, desk) {
    const input = el('input', { type: 'text', class: 'code', id: 'search', autocomplete: 'off', spellcheck: 'false',
        'aria-describedby': 'search-help' });
    const help = el('p', { class: 'help', id: 'search-help' }, t('search.help'));
    const button = el('button', { class: 'button main', type: 'submit' }, t('search.go'));
    const found = el('div', { id: 'found', 'aria-live': 'polite' });
    const find = async () => {
        const asked = question(input.value);
        input.setAttribute('aria-invalid', String(asked === null));
        if (asked === null) {
            say(help, t('search.wrong'), 'bad');
            input.focus();
            return;
        }
        say(help, t('search.help'));
        try {
            const answer = await busy(button, () => call('POST', '/v1/credentials/search', { auth: desk.session, json: asked }));
            found.replaceChildren(...(answer.credentials.length === 0
                ? [el('div', { class: 'card empty' }, el('p', {}, t('search.none')))]
                : answer.credentials.map((credential) => personCard(credential, desk, find))));
        } catch (problem) {
            if (problem.status === 404)
                found.replaceChildren(el('div', { class: 'card empty' }, el('p', {}, t('search.none'))));
            else
                desk.failed(problem);
        }
    };
    root.replaceChildren(el('form', { class: 'card', novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        find();
    } },
    el('div', { class: 'field' }, el('label', { for: 'search' }, t('search.label')), input, help), button), found);
    input.focus();
}
