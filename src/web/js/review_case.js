/* review_case.js: one case: both photos, what was measured, what is known about
 * the person, and the decision with its reason. */
import { call } from './api.js';
import { busy, el, say } from './dom.js';
import { t } from './i18n.js';
import { scoreBar } from './score.js';
import { whenText } from './time.js';
import { problemText, reasonText, word } from './words.js';

const PRESETS = { approve: ['same', 'same_older', 'seen'], reject: ['other', 'not_live', 'not_card', 'unreadable'] };

export class ReviewCase {
    constructor(place, desk, id, decided) {
        this.place = place;
        this.desk = desk;
        this.id = id;
        this.decided = decided;
        this.decision = null;
        place.replaceChildren(el('p', { role: 'status' }, t('common.loading')));
    }

    async load() {
        try {
            this.item = await call('GET', `/v1/enrollments/${this.id}`, { auth: this.desk.session });
        } catch (problem) {
            if (problem.status === 404)
                this.decided();
            else
                this.desk.failed(problem);
            return;
        }
        if (this.item.state !== 'review') {
            this.desk.note(t('review.gone'), 'warn');
            this.decided();
            return;
        }
        this.draw();
        this.history();
    }

    photo(name, label) {
        const src = `/v1/enrollments/${this.id}/photos/${name}`;
        const image = el('img', { src, alt: label, loading: 'lazy' });
        return el('figure', {}, el('button', { class: 'photo', type: 'button', 'aria-label': t('review.zoom', { photo: label }),
            onclick: () => this.zoom(src, label) }, image), el('figcaption', {}, label));
    }

    zoom(src, label) {
        const dialog = el('dialog', { class: 'zoom', 'aria-label': label }, el('img', { src, alt: label }),
            el('form', { method: 'dialog' }, el('button', { class: 'button' }, t('common.close'))));
        dialog.addEventListener('close', () => dialog.remove());
        document.body.append(dialog);
        dialog.showModal();
    }

    draw() {
        const { item } = this;
        const steps = item.challenge?.steps ?? [];
        this.record = el('div', { id: 'history' }, el('p', { class: 'muted' }, t('common.loading')));
        this.place.replaceChildren(el('article', {},
            el('div', { class: 'card' },
                el('h2', {}, item.holder?.name ?? t('review.noname')),
                el('dl', { class: 'facts' },
                    el('dt', {}, t('attribute.id_number')), el('dd', {}, item.holder?.id_number ?? '–'),
                    el('dt', {}, t('review.sent')), el('dd', {}, whenText(item.created_at))),
                el('ul', { 'aria-label': t('review.reasons') }, ...item.reasons.map((reason) => this.reason(reason))),
                item.statement ? el('div', { class: 'notice' }, el('h3', {}, t('review.statement')), el('p', {}, item.statement)) : null,
                el('div', { class: 'pair' }, this.photo('id_photo', t('review.card')), this.photo('selfie', t('review.selfie'))),
                steps.length === 0 ? null : el('div', { class: 'frames' }, ...steps.map((step, i) => this.photo(`frame_${i + 1}`,
                    t('review.frame', { side: t(`turns.${step.turn}`), deg: Math.round(step.turned_deg) })))),
                item.scores ? scoreBar('similarity', item.scores.similarity,
                    item.challenge ? 'similarity' : 'similarity_without') : null,
                item.scores ? scoreBar('liveness', item.scores.liveness) : null),
            this.form(),
            el('div', { class: 'card' }, el('h3', {}, t('review.history')), this.record)));
    }

    reason(reason) {
        return el('li', {}, reasonText(reason), ' ',
            el('span', { class: reason.class === 'fraud' ? 'tag bad' : 'tag' }, word('reason.class', reason.class)));
    }

    /* What else there is under this number. */
    async history() {
        if (!this.item.holder) {
            this.record.replaceChildren('–');
            return;
        }
        try {
            const answer = await call('POST', '/v1/credentials/search', { auth: this.desk.session,
                json: { id_number: this.item.holder.id_number } });
            this.record.replaceChildren(answer.credentials.length === 0 ? t('review.history.none')
                : el('ul', {}, ...answer.credentials.map((credential) => el('li', {},
                    `${word('type', credential.type)}, ${whenText(credential.issued_at)} `,
                    el('span', { class: 'tag' }, word('state', credential.state))))));
        } catch (problem) {
            this.record.replaceChildren(problemText(problem));
        }
    }

    form() {
        const first = this.item.first_decision;
        this.text = el('textarea', { id: 'reason', 'aria-describedby': 'reason-help' });
        this.presets = el('div', { class: 'presets' });
        this.problem = el('p', { class: 'notice bad', role: 'alert', hidden: true });
        this.send = el('button', { class: 'button main', type: 'submit', id: 'decide' }, t('decide.send'));
        this.why = el('div', { hidden: true },
            el('div', { class: 'field' }, el('label', { for: 'reason' }, t('decide.reason')), this.presets, this.text,
                el('p', { class: 'help', id: 'reason-help' }, t('decide.help'))),
            el('div', { class: 'row' }, this.send, el('button', { class: 'button quiet', type: 'button',
                onclick: () => this.choose(null) }, t('common.cancel'))));
        this.pick = el('div', { class: 'row' },
            el('button', { class: 'button good', type: 'button', id: 'approve', onclick: () => this.choose('approve') },
                t('decide.approve'), el('kbd', {}, 'A')),
            el('button', { class: 'button refuse', type: 'button', id: 'reject', onclick: () => this.choose('reject') },
                t('decide.reject'), el('kbd', {}, 'R')),
            first ? el('button', { class: 'button', type: 'button', onclick: () => this.choose('withdraw') }, t('decide.withdraw')) : null);
        return el('form', { class: 'card decide', novalidate: true, onsubmit: (event) => {
            event.preventDefault();
            this.submit();
        }, onkeydown: (event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey))
                this.submit();
            else if (event.key === 'Escape')
                this.choose(null);
        } },
        first ? el('p', { class: 'notice' }, t('decide.first', { decision: t(`decide.${first.decision}`) }),
            first.note ? ` ${first.note}` : '') : null,
        this.problem, this.pick, this.why);
    }

    /* True when there is something to choose for. */
    choose(decision) {
        if (this.item === undefined || this.pick === undefined)
            return false;
        this.decision = decision;
        this.pick.hidden = decision !== null;
        this.why.hidden = decision === null;
        say(this.problem, '');
        if (decision === null) {
            this.pick.querySelector('button').focus();
            return true;
        }
        this.send.className = `button ${{ approve: 'good', reject: 'refuse' }[decision] ?? 'main'}`;
        this.send.textContent = t(`decide.${decision}.send`);
        this.presets.replaceChildren(...(PRESETS[decision] ?? []).map((name) => el('button', { class: 'button slim', type: 'button',
            onclick: () => {
                this.text.value = t(`decide.preset.${name}`);
                this.text.focus();
            } }, t(`decide.preset.${name}`))));
        this.text.value = '';
        this.text.focus();
        return true;
    }

    async submit() {
        const reason = this.text.value.trim();
        if (this.decision === null || this.send.disabled)
            return;
        if (reason === '') {
            say(this.problem, t('decide.needed'), 'bad');
            this.text.focus();
            return;
        }
        try {
            const item = await busy(this.send, () => call('POST', `/v1/enrollments/${this.id}/decision`, {
                auth: this.desk.session, json: { decision: this.decision, reason } }));
            this.desk.note(t(item.state === 'review' ? 'decide.kept' : `decide.${item.state}`), 'good');
            this.decided();
        } catch (problem) {
            if (problem.status === 401)
                this.desk.failed(problem);
            else
                say(this.problem, problem.status === 409 ? t('decide.conflict') : problem.status === 403 && problem.code === 'forbidden'
                    ? t('decide.barred') : problemText(problem), 'bad');
        }
    }
}
