/* setup.js: what for and at which counter, chosen once and kept for the tab. */
import { byId, el, say } from './dom.js';
import { t } from './i18n.js';
import { word } from './words.js';

const KEPT_AS = 'smartid.counter';

export function readSetup(purposes) {
    try {
        const kept = JSON.parse(sessionStorage.getItem(KEPT_AS));
        return purposes.some((purpose) => purpose.name === kept?.purpose) ? kept : null;
    } catch {
        return null;
    }
}

function keep(setup) {
    try {
        sessionStorage.setItem(KEPT_AS, JSON.stringify(setup));
    } catch {
        /* Then a reload asks again. */
    }
}

function choice(purpose, chosen) {
    const tells = purpose.tells.map((name) => word('attribute', name)).join(t('common.comma'));
    return el('label', { class: 'check purpose' },
        el('input', { type: 'radio', name: 'purpose', value: purpose.name, checked: chosen }),
        el('span', {}, word('purpose', purpose.name), el('span', {}, t('setup.tells', { tells })),
            purpose.code === 'live' ? el('span', {}, t('setup.live')) : null));
}

/* done({ purpose, counter }). */
export function askSetup(purposes, present, text, done) {
    byId('purposes').replaceChildren(...purposes.map((purpose) =>
        choice(purpose, purposes.length === 1 || purpose.name === present?.purpose)));
    byId('counter').value = present?.counter ?? '';
    const problem = byId('setup-problem');
    say(problem, purposes.length === 0 ? t('setup.none') : text, 'bad');
    byId('setup').onsubmit = (event) => {
        event.preventDefault();
        const purpose = new FormData(byId('setup')).get('purpose');
        if (purpose === null) {
            say(problem, t(purposes.length === 0 ? 'setup.none' : 'setup.needed'), 'bad');
            return;
        }
        const setup = { purpose, counter: byId('counter').value.trim() };
        if (setup.counter === '' && purposes.find(({ name }) => name === purpose).counter) {
            say(problem, t('problem.field.counter'), 'bad');
            byId('counter').focus();
            return;
        }
        keep(setup);
        done(setup);
    };
}
