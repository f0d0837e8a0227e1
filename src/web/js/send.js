/* send.js: sends what was taken. The same Idempotency-Key goes with every try
 * until there is an answer, so that a try whose answer was lost counts once. */
import { send } from './api.js';
import { addSelfie } from './challenge.js';
import { byId, el, say } from './dom.js';
import { t } from './i18n.js';
import { leftText, wait } from './time.js';
import { problemText } from './words.js';

export class Sender {
    constructor(applicant) {
        this.applicant = applicant;
        this.key = null;
    }

    /* Other photos, or other details: another request. */
    renew() {
        this.key = null;
    }

    form({ holder, card, selfie, challenge }) {
        const form = new FormData();
        form.append('holder', new Blob([JSON.stringify(holder)], { type: 'application/json' }), 'holder.json');
        form.append('id_photo', card, 'card.jpg');
        addSelfie(form, selfie, challenge);
        return form;
    }

    /* The answer to POST /v1/enrollments. */
    async enrol(parts) {
        this.key ??= Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
        const answer = await this.applicant.run((session) => send('/v1/enrollments', {
            form: this.form(parts), auth: session, headers: { 'Idempotency-Key': `"${this.key}"` },
            progress: (part) => this.progress(part) }));
        this.key = null;
        return answer;
    }

    progress(part) {
        const bar = byId('send-progress');
        if (part < 1) {
            bar.value = part;
            byId('send-said').textContent = t('send.sending', { percent: Math.round(part * 100) });
        } else {
            bar.removeAttribute('value');
            byId('send-said').textContent = t('send.comparing');
        }
    }

    show({ card, selfie }) {
        const thumb = (blob, alt) => el('img', { src: URL.createObjectURL(blob), alt,
            onload: (event) => URL.revokeObjectURL(event.target.src) });
        byId('thumbs').replaceChildren(thumb(card, t('capture.card.taken')), thumb(selfie, t('capture.selfie.taken')));
        say(byId('send-problem'), '');
        byId('send-again').hidden = byId('send-edit').hidden = true;
        byId('send-progress').hidden = byId('send-said').hidden = false;
        this.progress(0);
    }

    /* What went wrong, and a way on: again when it may pass, with the server's
     * pause before it. */
    async failed(problem) {
        byId('send-progress').hidden = byId('send-said').hidden = true;
        say(byId('send-problem'), problemText(problem), 'bad');
        const again = byId('send-again');
        byId('send-edit').hidden = problem.passing && problem.status === 0;
        again.hidden = !problem.passing || problem.retryAfter_s > 600;
        const until = Date.now() + problem.retryAfter_s * 1000;
        for (again.disabled = true; Date.now() < until; await wait(500))
            again.textContent = t('common.again.in', { left: leftText(until - Date.now()) });
        again.textContent = t('common.again');
        again.disabled = false;
    }
}
