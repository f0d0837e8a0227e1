/* console.js: the officer's page: signing in, and which desk is shown. Each desk
 * is a module with open(root, desk), which may return what ends it. */
import { openAudit } from './audit.js';
import { openCounter } from './counter.js';
import { openDisputes } from './disputes.js';
import { byId, el, say } from './dom.js';
import { openHealth } from './health.js';
import { onLanguage, startLanguage, t } from './i18n.js';
import { openReview } from './review.js';
import { openSearch } from './search.js';
import { askKey, forgetSession, presentSession, signOut } from './signin.js';
import { problemText } from './words.js';

const ROLES = ['officer', 'admin'];
const DESKS = {
    review: { roles: ['officer'], open: openReview },
    disputes: { roles: ['officer'], open: openDisputes },
    search: { roles: ['officer'], open: openSearch, narrow: true },
    counter: { roles: ['officer'], open: openCounter, narrow: true },
    audit: { roles: ['officer', 'admin'], open: openAudit },
    health: { roles: ['officer', 'admin'], open: openHealth },
};

class Console {
    constructor() {
        this.session = null;
        this.desk = null;
        this.end = null;
    }

    async start() {
        byId('sign-out').addEventListener('click', () => this.signOut());
        onLanguage(() => (this.session === null ? this.signIn() : this.open(this.desk)));
        let session = null;
        try {
            session = await presentSession(ROLES);
        } catch (problem) {
            return this.signIn(problemText(problem));
        }
        return session === null ? this.signIn() : this.signedIn(session);
    }

    close() {
        this.end?.();
        this.end = null;
    }

    signIn(text = '') {
        this.close();
        this.session = null;
        byId('tabs').hidden = byId('desk').hidden = byId('sign-out').hidden = true;
        byId('desk').replaceChildren();
        byId('signin').hidden = false;
        askKey(byId('signin'), { name: 'console', roles: ROLES, text }, (session) => this.signedIn(session));
    }

    async signOut() {
        try {
            await signOut(this.session);
        } catch {
            /* It ends by itself. */
        }
        this.signIn();
    }

    signedIn(session) {
        this.session = session;
        byId('signin').hidden = true;
        byId('signin').replaceChildren();
        byId('tabs').hidden = byId('desk').hidden = byId('sign-out').hidden = false;
        const mine = Object.keys(DESKS).filter((name) => DESKS[name].roles.includes(session.role));
        const asked = location.hash.slice(1);
        this.names = mine;
        this.open(mine.includes(asked) ? asked : mine[0]);
    }

    open(name) {
        this.close();
        this.desk = name;
        history.replaceState(null, '', `#${name}`);
        byId('tabs').replaceChildren(...this.names.map((desk) => el('button', { type: 'button', 'data-desk': desk,
            'aria-current': desk === name ? 'page' : null, onclick: () => this.open(desk) }, t(`console.${desk}`))));
        const root = byId('desk');
        root.classList.toggle('narrow', DESKS[name].narrow === true);
        const note = el('p', { class: 'notice bad', role: 'alert', hidden: true });
        const head = el('h1', { class: 'unseen', tabindex: '-1' }, t(`console.${name}`));
        const body = el('div');
        root.replaceChildren(head, note, body);
        head.focus({ preventScroll: true });
        this.end = DESKS[name].open(body, {
            session: this.session,
            note: (text, kind = 'bad') => say(note, text, kind),
            failed: (problem) => this.failed(problem, note),
        }) ?? null;
    }

    failed(problem, note) {
        if (problem.status === 401 || problem.code === 'csrf') {
            forgetSession();
            this.signIn(t('signin.ended'));
        } else {
            say(note, problemText(problem), 'bad');
        }
    }
}

await startLanguage({ staff: true });
new Console().start();
