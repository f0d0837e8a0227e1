/* card.js: the resident's card: which view is shown, and the state of the ID. */
import { call } from './api.js';
import { Checks } from './card_checks.js';
import { CodeView } from './card_code.js';
import { erase, forget, showState, suspend } from './card_menu.js';
import { confirmed } from './dialog.js';
import { byId, say } from './dom.js';
import { onLanguage, startLanguage, t } from './i18n.js';
import { Applicant } from './session.js';
import { clearWallet, fromChat, keepWallet, readWallet } from './wallet.js';
import { problemText } from './words.js';

/* What a counter hands over, in the fragment: it is never sent anywhere. */
const HANDED_OVER = /^#add=(crd_[0-9A-Za-z]+),(enr_[0-9A-Za-z]+),(sidh_[0-9A-Za-z_]+)$/;

function masked(name) {
    const letters = [...name];
    return letters[0] + '＊'.repeat(Math.min(3, Math.max(1, letters.length - 1)));
}

class Card {
    constructor() {
        this.wallet = null;
        this.codes = null;
        this.credential = null;
        this.nameShown = false;
        this.live = false;
        this.view = 'none';
        this.running = null;
    }

    async start() {
        await this.takeOver();
        const said = await fromChat();
        this.wallet = readWallet();
        byId('who').addEventListener('click', () => this.name(!this.nameShown));
        byId('live').addEventListener('click', () => this.setLive(!this.live));
        const failed = (problem) => this.notice(problemText(problem), 'bad');
        byId('suspend').addEventListener('click', () => suspend(this.wallet, byId('suspend'), () => this.load(), failed));
        byId('forget').addEventListener('click', () => forget((key) => this.gone(key)));
        byId('erase').addEventListener('click', () =>
            erase(this.wallet, byId('erase'), (key) => this.gone(key), failed));
        for (const button of document.querySelectorAll('[data-go]'))
            button.addEventListener('click', () => this.show(button.dataset.go));
        document.addEventListener('visibilitychange', () => {
            if (document.visibilityState === 'visible' && this.view === 'pass')
                this.load();
            else if (document.visibilityState === 'hidden')
                this.name(false);
        });
        onLanguage(() => this.relabel());
        this.show(location.hash === '#recover' ? 'recover' : 'pass');
        this.notice(said, 'warn');
    }

    /* Never over an ID that is here without asking: a link can come from anybody. */
    async takeOver() {
        const found = HANDED_OVER.exec(location.hash);
        if (found === null)
            return;
        history.replaceState(null, '', location.pathname);
        if (readWallet()?.credential_id && !await confirmed({ title: t('card.replace'), text: t('card.replace.text'), yes: t('card.replace.yes') }))
            return;
        clearWallet();
        keepWallet({ credential_id: found[1], enrollment_id: found[2], holder_secret: found[3] });
    }

    relabel() {
        this.name(this.nameShown);
        byId('live').textContent = t(this.live ? 'card.day' : 'card.live');
        if (this.credential !== null)
            this.tell();
        this.codes?.describe();
        if (['checks', 'recover'].includes(this.view))
            this.show(this.view);
    }

    notice(text, kind = '') {
        say(byId('notice'), text, kind);
    }

    name(shown) {
        const name = this.wallet?.name ?? '';
        this.nameShown = shown && name !== '';
        byId('who').setAttribute('aria-pressed', String(this.nameShown));
        byId('who').disabled = name === '';
        byId('name').textContent = name === '' ? t('card.mine') : this.nameShown ? name : masked(name);
        byId('who-help').textContent = name === '' ? '' : t(this.nameShown ? 'card.hide' : 'card.reveal');
    }

    show(view) {
        this.running?.stop?.();
        this.running = null;
        this.codes?.stop();
        this.view = view === 'pass' && !this.wallet?.credential_id ? 'none' : view;
        for (const section of document.querySelectorAll('[data-view]'))
            section.hidden = section.dataset.view !== this.view;
        this.notice('');
        if (view !== 'recover' && location.hash === '#recover')
            history.replaceState(null, '', location.pathname);
        if (this.view === 'pass')
            this.begin();
        else if (this.view === 'checks')
            this.checks();
        else if (this.view === 'recover')
            this.recover();
        (document.querySelector(`[data-view="${this.view}"] h2[tabindex]`) ?? byId('title')).focus();
        window.scrollTo(0, 0);
    }

    begin() {
        this.name(false);
        this.showCodes(this.credential === null || this.credential.state === 'active');
        this.load();
        navigator.wakeLock?.request('screen').catch(() => {});
    }

    /* A new view each time: what was kept may have been dropped meanwhile. */
    showCodes(active) {
        this.codes?.stop();
        this.codes = new CodeView(this.wallet, () => this.load());
        this.live = false;
        this.relabelLive();
        if (active)
            this.codes.start();
    }

    setLive(live) {
        this.live = live;
        this.relabelLive();
        this.codes.setLive(live);
    }

    relabelLive() {
        byId('live').textContent = t(this.live ? 'card.day' : 'card.live');
        byId('strip').classList.toggle('live', this.live);
    }

    /* The state of the ID; without a network the last code is still shown. */
    async load() {
        try {
            const { credential_id: id, auth } = this.wallet;
            this.credential = await call('GET', `/v1/credentials/${id}`, { auth });
            this.tell();
        } catch (problem) {
            if (problem.status === 404 || problem.status === 401) {
                this.codes.stop();
                clearWallet();
                this.gone(problem.status === 401 ? 'card.over' : 'card.dead');
            } else {
                this.codes.unreached();
            }
        }
    }

    tell() {
        const active = this.credential.state === 'active';
        byId('pass').hidden = byId('live').hidden = byId('live-help').hidden = !active;
        byId('not-active').hidden = active;
        byId('suspend').hidden = !active;
        if (!active) {
            this.codes?.stop();
            showState(this.credential, this.wallet, () => this.load(),
                (problem) => this.notice(problemText(problem), 'bad'));
        } else if (this.view === 'pass' && this.codes.timer === null) {
            this.showCodes(true);
        }
    }

    gone(key) {
        this.codes?.stop();
        this.wallet = this.credential = null;
        this.show('none');
        this.notice(t(key));
    }

    checks() {
        const checks = new Checks(byId('checks'), this.wallet);
        checks.load();
    }

    /* Few come for it: loaded only then. */
    async recover() {
        let Recovery;
        try {
            ({ Recovery } = await import('./card_recover.js'));
        } catch {
            this.notice(problemText({ code: 'network' }), 'bad');
        }
        if (Recovery === undefined || this.view !== 'recover' || this.running !== null)
            return;
        this.running = new Recovery(byId('recover'), new Applicant(), (answer, wechat) => {
            if (wechat) /* see chat.js */
                return void location.assign(`/channels/wechat/${wechat}/enter?to=card`);
            const name = this.wallet?.credential_id === answer.credential.id ? this.wallet.name : undefined;
            clearWallet();
            keepWallet({ credential_id: answer.credential.id, enrollment_id: answer.credential.enrollment_id,
                holder_secret: answer.holder_secret, name });
            this.wallet = readWallet();
            this.credential = answer.credential;
            this.show('pass');
            return this.notice(t('recover.done'), 'good');
        });
        this.running.ask();
    }
}

await startLanguage();
new Card().start();
if ('serviceWorker' in navigator)
    navigator.serviceWorker.register('/sw.js').catch(() => {});
