/* scan.js: the clerk's page: sign in, choose once, scan, read the answer, go on
 * with one key. */
import { call } from './api.js';
import { showBatch } from './batch.js';
import { offerChat, offerScanner } from './chat_clerk.js';
import { confirmed } from './dialog.js';
import { busy, byId, el, say } from './dom.js';
import { onLanguage, startLanguage, t } from './i18n.js';
import { Kept } from './kept.js';
import { makeReader } from './reader.js';
import { Scanner } from './scanner.js';
import { askSetup, readSetup } from './setup.js';
import { askKey, forgetSession, presentSession, signOut } from './signin.js';
import { Sound } from './sound.js';
import { addToTally, readTally } from './tally.js';
import { clockText } from './time.js';
import { Verdict } from './verdict.js';
import { fromChat } from './wallet.js';
import { problemText, word } from './words.js';

const ROLES = ['clerk'];
/* What a purpose tells is not left on a screen that nobody looks at. */
const SHOWN_MS = 5 * 60 * 1000;

class Counter {
    constructor() {
        this.session = null;
        this.setup = null;
        this.verdict = null;
        this.read = null;
        this.view = '';
        this.checking = false;
        this.sound = new Sound();
        this.scanner = new Scanner(byId('video'), (text) => this.check(text));
        this.answer = null;
        this.kept = new Kept();
    }

    async start() {
        byId('sign-out').addEventListener('click', () => this.signOut());
        byId('check-kept').addEventListener('click', () => this.checkKept());
        byId('change').addEventListener('click', () => this.choose());
        byId('typed').addEventListener('submit', (event) => {
            event.preventDefault();
            this.check(byId('code').value);
        });
        document.addEventListener('keydown', (event) => this.key(event));
        onLanguage(() => this.relabel());
        const why = await fromChat();
        if (why !== '')
            return this.signIn(why);
        let session = null;
        try {
            session = await presentSession(ROLES);
        } catch (problem) {
            return this.signIn(problemText(problem));
        }
        return session === null ? this.signIn() : this.signedIn(session);
    }

    show(view) {
        this.view = view;
        this.scanner.paused = view !== 'scan';
        for (const section of document.querySelectorAll('[data-view]'))
            section.hidden = section.dataset.view !== view;
        byId('sign-out').hidden = this.session === null;
        window.scrollTo(0, 0);
    }

    relabel() {
        if (this.view === 'signin')
            this.signIn();
        else if (this.view === 'setup')
            this.choose();
        else if (this.view === 'scan')
            this.scan();
        else if (this.view === 'verdict' || this.view === 'batch')
            this.answer?.();
    }

    signIn(text = '') {
        this.session = null;
        this.scanner.stop();
        this.clear();
        this.show('signin');
        askKey(byId('signin'), { name: 'scan', roles: ROLES, text }, (session) => this.signedIn(session));
    }

    async signOut() {
        if (this.kept.count > 0 && !await confirmed({ title: t('kept.drop.title'), text: t('kept.drop.text', { n: this.kept.count }),
            yes: t('kept.drop.yes') }))
            return;
        this.kept.clear();
        try {
            await signOut(this.session);
        } catch {
            /* It ends by itself. */
        }
        this.signIn();
    }

    signedIn(session) {
        this.session = session;
        offerChat(session);
        offerScanner(session, (text) => this.check(text));
        this.verdict = new Verdict(byId('verdict'), session, { next: () => this.scan() });
        this.setup = readSetup(session.purposes);
        if (this.setup === null)
            this.choose();
        else
            this.scan();
    }

    choose(text = '') {
        this.scanner.stop();
        this.show('setup');
        askSetup(this.session.purposes, this.setup, text, (setup) => {
            this.setup = setup;
            this.sound.wake();
            this.scan();
        });
    }

    /* What was shown is gone from the page. */
    clear() {
        clearTimeout(this.timer);
        this.answer = null;
        this.verdict?.clear();
        byId('batch').replaceChildren();
    }

    scan() {
        this.clear();
        this.show('scan');
        byId('kept').hidden = this.kept.count === 0;
        byId('kept-count').textContent = t('kept.count', { n: this.kept.count });
        say(byId('kept-problem'), '');
        byId('code').value = '';
        /* On a phone that would open a keyboard over the picture. */
        if (matchMedia('(pointer: fine)').matches)
            byId('code').focus();
        byId('at').textContent = [word('purpose', this.setup.purpose), this.setup.counter].filter(Boolean).join(' · ');
        this.tell(readTally());
        if (!this.scanner.running)
            this.openCamera();
    }

    async openCamera() {
        const lens = byId('lens');
        const said = byId('lens-said');
        lens.classList.remove('dark');
        said.textContent = t('scan.opening');
        try {
            this.read ??= await makeReader();
            if (this.view !== 'scan' || !await this.scanner.start(this.read))
                return;
            said.textContent = t('scan.aim');
        } catch (problem) {
            lens.classList.add('dark');
            said.textContent = problem.code ? problemText(problem) : t('scan.noreader');
        }
    }

    tell(tally) {
        byId('total').textContent = String(tally.total);
        byId('last').replaceChildren(...tally.last.map(({ at, result }) => el('li', {}, el('time', {}, clockText(at)),
            el('span', { class: `tag ${{ valid: 'good', not_valid: 'bad' }[result] ?? 'warn'}` }, t(`verdict.${result}`)))));
    }

    async check(text) {
        if (this.checking || text.trim() === '')
            return;
        this.checking = true;
        const { session } = this;
        const mine = () => this.session === session;
        try {
            const answer = await call('POST', '/v1/verifications', { auth: this.session, patience_ms: 15000,
                json: { code: text, purpose: this.setup.purpose,
                    ...(this.setup.counter === '' ? {} : { counter: this.setup.counter }) } });
            if (mine())
                this.settle(answer.result ?? 'could_not_check', () => this.verdict.show(answer));
        } catch (problem) {
            if (mine())
                this.failed(problem, text);
        }
        this.checking = false;
    }

    failed(problem, text) {
        if (problem.status === 401 || problem.code === 'csrf') {
            forgetSession();
            this.signIn(t('signin.ended'));
        } else if (problem.field === 'counter' || problem.code === 'purpose_forbidden') {
            this.choose(problemText(problem));
        } else {
            const { setup } = this;
            const keep = () => {
                this.kept.add(text, setup);
                this.scan();
            };
            this.settle('could_not_check', () => this.verdict.showProblem(problem, () => this.check(text), keep));
        }
    }

    /* All that was kept, in one go; no other check meanwhile, whose answer would
     * be covered by these. */
    async checkKept() {
        if (this.checking)
            return;
        this.checking = true;
        const { session } = this;
        const results = [];
        let problem = null;
        try {
            await busy(byId('check-kept'), () => this.kept.check(session, (some) => results.push(...some)));
        } catch (error) {
            problem = error;
        }
        this.checking = false;
        if (this.session === session)
            this.settleKept(results, problem);
    }

    settleKept(results, problem) {
        if (problem !== null) {
            if (problem.status === 401 || problem.code === 'csrf') {
                forgetSession();
                return this.signIn(t('signin.ended'));
            }
            if (results.length === 0)
                return say(byId('kept-problem'), problemText(problem), 'bad');
        }
        for (const { result } of results)
            this.tell(addToTally(result ?? 'could_not_check'));
        this.answer = () => showBatch(byId('batch'), results, () => this.scan());
        this.show('batch');
        this.answer();
        this.timer = setTimeout(() => this.view === 'batch' && this.scan(), SHOWN_MS);
    }

    settle(result, show) {
        this.tell(addToTally(result));
        this.answer = show;
        this.show('verdict');
        show();
        this.sound.play(result);
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.view === 'verdict' && this.scan(), SHOWN_MS);
    }

    /* One key goes on. What a scanner types goes into the field, wherever the
     * focus was. */
    key(event) {
        const typing = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
        const field = event.target.closest('input, textarea, select, button, a, dialog');
        if (this.view === 'batch' && event.key === 'Escape')
            this.scan();
        else if (this.view === 'verdict' && (event.key === 'Escape' || (event.key === 'Enter' && field === null)))
            this.scan();
        else if (this.view === 'verdict' && typing && event.key !== ' ')
            this.scan();
        else if (this.view === 'scan' && typing && field === null)
            byId('code').focus();
    }
}

await startLanguage({ staff: true });
new Counter().start();
