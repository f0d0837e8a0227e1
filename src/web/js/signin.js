/* signin.js: signing in with a key, and staying signed in over a reload. The key
 * is sent once and not kept; that somebody has signed in is remembered so that
 * nobody else's page asks for a session in vain. */
import { busy, el, say } from './dom.js';
import { t } from './i18n.js';
import { Session } from './session.js';
import { problemText } from './words.js';

const KEPT_AS = 'smartid.signed-in';

function remember(role) {
    try {
        if (role === null)
            localStorage.removeItem(KEPT_AS);
        else
            localStorage.setItem(KEPT_AS, role);
    } catch {
        /* Then a reload asks for the key again. */
    }
}

function remembered() {
    try {
        return localStorage.getItem(KEPT_AS);
    } catch {
        return null;
    }
}

/* The session this browser still has for that role, or null. */
export async function presentSession(roles) {
    if (!roles.includes(remembered()))
        return null;
    const session = await Session.present();
    if (session !== null && roles.includes(session.role))
        return session;
    remember(null);
    return null;
}

export async function signOut(session) {
    remember(null);
    await session.end();
}

export const forgetSession = () => remember(null);

/* Shows the form; done(session). name: of the texts, scan or console. */
export function askKey(root, { name, roles, text = '' }, done) {
    const input = el('input', { type: 'password', class: 'code', id: 'key', autocomplete: 'off', required: true,
        'aria-describedby': 'key-help', spellcheck: 'false' });
    const problem = el('p', { class: 'notice bad', role: 'alert', hidden: true });
    const button = el('button', { class: 'button main', type: 'submit' }, t('signin.in'));
    const submit = async () => {
        const key = input.value.trim();
        if (key === '') {
            say(problem, t('signin.needed'), 'bad');
            input.focus();
            return;
        }
        try {
            const session = await busy(button, () => Session.open({ key }));
            if (!roles.includes(session.role)) {
                await session.end();
                say(problem, t(`signin.role.${name}`), 'bad');
                return;
            }
            input.value = '';
            remember(session.role);
            done(session);
        } catch (error) {
            say(problem, error.status === 401 ? t('signin.wrong') : problemText(error), 'bad');
            input.focus();
        }
    };
    say(problem, text, 'bad');
    root.replaceChildren(
        el('h1', { tabindex: '-1' }, t('signin.title')), el('p', {}, t(`signin.lead.${name}`)), problem,
        el('form', { class: 'card', novalidate: true, onsubmit: (event) => {
            event.preventDefault();
            submit();
        } },
        el('div', { class: 'field' }, el('label', { for: 'key' }, t('signin.key')), input,
            el('p', { class: 'help', id: 'key-help' }, t('signin.help'))),
        button));
    input.focus();
}
