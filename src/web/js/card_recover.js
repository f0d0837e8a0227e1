/* card_recover.js: the ID on another phone: ID number, a new selfie, the turns.
 * What the old phone had is dead afterwards. */
import { send } from './api.js';
import { addSelfie, Challenge, takeSelfie } from './challenge.js';
import { numberField } from './details.js';
import { el, say } from './dom.js';
import { t } from './i18n.js';
import { tidyNumber } from './idnumber.js';
import { problemText, reasonText } from './words.js';

export class Recovery {
    /* done({ credential, holder_secret }, chat). */
    constructor(root, applicant, done) {
        this.root = root;
        this.applicant = applicant;
        this.done = done;
        this.running = null;
        this.number = '';
    }

    ask(text = '') {
        this.stop();
        const input = el('input', { type: 'text', class: 'code', id: 'recover-number', autocomplete: 'off',
            spellcheck: 'false', maxlength: '24', 'aria-describedby': 'recover-help' });
        input.value = this.number;
        const help = el('p', { class: 'help', id: 'recover-help', role: 'status' });
        const note = el('p', { class: 'notice bad', role: 'alert', hidden: true });
        say(note, text, 'bad');
        const good = numberField(input, help);
        this.root.replaceChildren(el('p', {}, t('recover.lead')), note,
            el('form', { novalidate: true, onsubmit: (event) => {
                event.preventDefault();
                this.number = tidyNumber(input.value);
                if (good())
                    this.selfie();
                else
                    input.focus();
            } },
            el('div', { class: 'field' }, el('label', { for: 'recover-number' }, t('details.number')), input, help),
            el('div', { class: 'actions' },
                el('button', { class: 'button main', type: 'submit', 'data-do': 'recover-next' }, t('common.next')))),
            el('p', { class: 'small muted' }, t('recover.counter')));
    }

    selfie() {
        this.stop();
        this.running = takeSelfie(this.root, (photo) => {
            const challenge = new Challenge(this.root, this.applicant, (turned) => this.send(photo.blob, turned));
            this.running = challenge;
            challenge.ask();
        });
    }

    async send(selfie, challenge) {
        this.stop();
        const bar = el('progress', { max: '1', value: '0', 'aria-label': t('send.progress') });
        this.root.replaceChildren(el('p', { role: 'status' }, t('send.comparing')), bar);
        const form = new FormData();
        form.append('id_number', this.number);
        addSelfie(form, selfie, challenge);
        try {
            const answer = await this.applicant.run((session) => send('/v1/recoveries', { form, auth: session,
                progress: (part) => (part < 1 ? (bar.value = part) : bar.removeAttribute('value')) }));
            if (answer.recovered)
                this.done(answer, this.applicant.session.answer.wechat);
            else
                this.ask(answer.reasons.map(reasonText).join(' '));
        } catch (problem) {
            this.ask(problem.code === 'recovery_locked' ? t('recover.locked') : problemText(problem));
        }
    }

    stop() {
        this.running?.stop();
        this.running = null;
    }
}
