/* enroll.js: the way through an enrolment: which step is shown, what was taken
 * so far (in memory only), and where it goes on. */
import { bearer, call } from './api.js';
import { askAppeal } from './appeal.js';
import { Capture } from './capture.js';
import { Challenge, takeSelfie } from './challenge.js';
import { askConsent } from './consent.js';
import { askDetails } from './details.js';
import { byId, el, say, sign } from './dom.js';
import { onLanguage, startLanguage, t } from './i18n.js';
import { settled, showOutcome, wrongParts } from './outcome.js';
import { Sender } from './send.js';
import { Applicant } from './session.js';
import { wait } from './time.js';
import { fromChat, keepWallet, readWallet } from './wallet.js';
import { problemText } from './words.js';

const STEPS = ['consent', 'details', 'card', 'selfie', 'turns', 'send'];
const WAIT_S = 25;
const LOOK_AGAIN_MS = 60000;

class Enrolment {
    constructor() {
        this.applicant = new Applicant();
        this.sender = new Sender(this.applicant);
        this.step = 'welcome';
        this.taken = { holder: null, card: null, selfie: null, challenge: null };
        this.consent = null;
        this.wallet = null;
        /* What is to be taken anew after a rejection; null: everything. */
        this.wrong = null;
        this.running = null;
        this.latest = null;
        this.watching = 0;
    }

    async start() {
        byId('begin').addEventListener('click', () => this.show('consent'));
        askConsent((consent) => {
            this.consent = consent;
            this.show('details');
        });
        askDetails((holder) => {
            this.taken.holder = { ...holder, consent: this.consent };
            this.next('card');
        });
        byId('send-again').addEventListener('click', () => this.send());
        byId('send-edit').addEventListener('click', () => this.show('details'));
        for (const button of document.querySelectorAll('[data-back]'))
            button.addEventListener('click', () => this.back());
        onLanguage(() => this.relabel());
        say(byId('chat'), await fromChat(this.applicant), 'warn');
        this.wallet = readWallet();
        byId('mine').hidden = !this.wallet?.credential_id;
        if (this.wallet?.enrollment_id && !this.wallet.credential_id)
            this.watch(this.wallet);
        else
            this.show('welcome');
    }

    relabel() {
        byId('needs').replaceChildren(...[['card', 'need1'], ['face', 'need2'], ['phone', 'need3']].map(([icon, key]) =>
            el('li', {}, sign(icon), el('span', {}, t(`enroll.welcome.${key}`)))));
        this.place();
        if (this.step === 'outcome' && this.latest !== null)
            this.tell(this.latest);
        else if (['card', 'selfie', 'turns'].includes(this.step))
            this.show(this.step);
    }

    place() {
        const at = STEPS.indexOf(this.step);
        byId('progress').hidden = at < 0;
        byId('steps').replaceChildren(...STEPS.map((name, i) => el('li', { class: i <= at ? 'done' : '' })));
        byId('where').textContent = t('enroll.where', { i: at + 1, n: STEPS.length });
    }

    show(step) {
        this.running?.stop();
        this.running = null;
        for (const id of ['card-capture', 'selfie-capture', 'turns'])
            byId(id).replaceChildren();
        this.step = step;
        for (const section of document.querySelectorAll('[data-step]'))
            section.hidden = section.dataset.step !== step;
        this.place();
        const begin = { card: () => this.takeCard(), selfie: () => this.takeSelfie(), turns: () => this.takeTurns(),
            send: () => this.send() }[step];
        begin?.();
        document.querySelector(`[data-step="${step}"] h1`)?.focus();
        window.scrollTo(0, 0);
    }

    back() {
        const at = STEPS.indexOf(this.step);
        this.show(at > 0 ? STEPS[at - 1] : 'welcome');
    }

    /* The next step that is still to be done. */
    next(step) {
        const { card, selfie, challenge } = this.taken;
        if (step === 'card' && card !== null && this.wrong !== null)
            return this.next('selfie');
        if (step === 'selfie' && selfie !== null && this.wrong !== null)
            return this.next('turns');
        if (step === 'turns' && challenge !== null)
            return this.show('send');
        return this.show(step);
    }

    takeCard() {
        this.running = new Capture(byId('card-capture'), 'card', (photo) => {
            this.taken.card = photo.blob;
            this.next('selfie');
        });
        this.running.start();
        this.offerChat(this.running);
    }

    takeSelfie() {
        this.running = takeSelfie(byId('selfie-capture'), (photo) => {
            this.taken.selfie = photo.blob;
            this.taken.challenge = null;
            this.next('turns');
        });
        this.offerChat(this.running);
    }

    async offerChat(capture) {
        const account = this.applicant.session?.answer.wechat;
        if (account !== undefined)
            (await import('./chat_photo.js')).offerPhoto(account, capture);
    }

    takeTurns(problem = '') {
        this.running = new Challenge(byId('turns'), this.applicant, (challenge) => {
            this.taken.challenge = challenge;
            this.show('send');
        });
        this.running.ask(problem);
    }

    async send() {
        this.sender.show(this.taken);
        try {
            const answer = await this.sender.enrol(this.taken);
            keepWallet({ enrollment_id: answer.id, holder_secret: answer.holder_secret,
                credential_id: undefined, name: this.taken.holder.name });
            this.wallet = readWallet() ?? { enrollment_id: answer.id, auth: bearer(answer.holder_secret) };
            this.watch(this.wallet);
        } catch (problem) {
            if (!problem.passing)
                this.sender.renew();
            if (problem.field === 'challenge_id' || problem.code === 'challenge_required') {
                this.taken.challenge = null;
                this.show('turns');
                this.running.ask(t(problem.code === 'challenge_required' ? 'turns.required' : 'turns.late'));
            } else {
                await this.sender.failed(problem);
            }
        }
    }

    /* Shows what becomes of it until that is decided. */
    async watch(wallet) {
        const turn = ++this.watching;
        this.show('outcome');
        let enrolment = { state: 'processing', reasons: [] };
        this.tell(enrolment);
        for (let first = true; turn === this.watching; first = false) {
            try {
                enrolment = await call('GET', `/v1/enrollments/${wallet.enrollment_id}`, {
                    auth: wallet.auth, headers: first ? {} : { Prefer: `wait=${WAIT_S}` } });
            } catch (problem) {
                if (problem.status === 404 || problem.status === 401) {
                    keepWallet({ enrollment_id: undefined, holder_secret: undefined });
                    return this.show('welcome');
                }
                this.trouble(problemText(problem));
                await wait(Math.max(3000, problem.retryAfter_s * 1000));
                continue;
            }
            this.trouble('');
            if (turn !== this.watching)
                return undefined;
            if (enrolment.state !== this.latest?.state)
                this.tell(enrolment);
            if (enrolment.credential_id)
                keepWallet({ credential_id: enrolment.credential_id });
            if (settled(enrolment.state) && enrolment.state !== 'review')
                return undefined;
            if (enrolment.state === 'review')
                await wait(LOOK_AGAIN_MS);
        }
        return undefined;
    }

    /* Why there is no news, below what is known. */
    trouble(text) {
        byId('trouble')?.remove();
        if (text !== '')
            byId('outcome').append(el('p', { class: 'notice warn', id: 'trouble', role: 'status' }, text));
    }

    tell(enrolment) {
        this.latest = enrolment;
        const { card, selfie, holder } = this.taken;
        showOutcome(byId('outcome'), enrolment, {
            look: () => {
                this.latest = null;
                this.watch(this.wallet);
            },
            details: () => this.anew(new Set(), holder === null ? 'consent' : 'details'),
            retake: () => this.retake(wrongParts(enrolment.reasons)),
            appeal: card === null || selfie === null ? null : () => askAppeal(byId('outcome'), this.wallet, this.taken, () => {
                this.latest = null;
                this.watch(this.wallet);
            }, () => this.tell(enrolment)),
            anew: () => this.anew(null, 'consent'),
        });
    }

    anew(wrong, step) {
        this.watching++;
        this.wrong = wrong;
        this.sender.renew();
        this.taken.challenge = null; /* it can be answered once */
        this.show(step);
    }

    /* Only what was wrong; with the photos gone, as after a reload, all of it. */
    retake(parts) {
        const { card, selfie, holder } = this.taken;
        if (card === null || selfie === null || holder === null)
            return this.anew(null, 'consent');
        const nothing = parts.size === 0;
        if (nothing || parts.has('card'))
            this.taken.card = null;
        if (nothing || parts.has('selfie'))
            this.taken.selfie = null;
        this.anew(parts, 'outcome');
        return this.next('card');
    }
}

await startLanguage();
new Enrolment().start();
if ('serviceWorker' in navigator)
    navigator.serviceWorker.register('/sw.js').catch(() => {});
