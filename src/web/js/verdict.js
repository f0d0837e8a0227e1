/* verdict.js: the answer to a check on the whole screen: colour, word and sign,
 * then what the purpose tells, the portrait and the face check. */
import { call, Problem, send } from './api.js';
import { Capture } from './capture.js';
import { busy, el, say, sign } from './dom.js';
import { t } from './i18n.js';
import { leftText, wait } from './time.js';
import { problemText, reasonText, word } from './words.js';

const SIGN = { valid: 'good', not_valid: 'bad', could_not_check: 'warn' };
const ORDER = ['name', 'name_masked', 'id_number', 'id_number_masked', 'birth_date', 'sex', 'age_over_18', 'region'];
const NOT_FACTS = ['pseudonym', 'portrait_url', ...ORDER];

function factText(name, value) {
    if (name === 'age_over_18')
        return t(value ? 'common.yes' : 'common.no');
    if (name === 'sex')
        return word('sex', value);
    return String(value);
}

/* What a purpose tells, as a list. */
export function facts(holder, details) {
    const list = el('dl', { class: 'facts told' });
    const add = (label, text, kind = '') => list.append(el('dt', {}, label), el('dd', { class: kind }, text));
    for (const name of ORDER)
        if (holder[name] !== undefined)
            add(word('attribute', name), factText(name, holder[name]),
                { name: 'name', name_masked: 'name', id_number: 'number', id_number_masked: 'number' }[name]);
    for (const [name, value] of Object.entries({ ...holder, ...details }))
        if (!NOT_FACTS.includes(name) && typeof value !== 'object')
            add(word('attribute', name), String(value));
    return list;
}

export class Verdict {
    constructor(root, session, { next, again }) {
        this.root = root;
        this.session = session;
        this.next = next;
        this.again = again;
        this.capture = null;
        this.photo = null;
    }

    banner(kind) {
        return el('div', { class: `banner ${kind}`, role: 'alert' }, sign(SIGN[kind]),
            el('h1', { tabindex: '-1', id: 'word' }, t(`verdict.${kind}`)));
    }

    fill(kind, ...children) {
        const on = el('button', { class: 'button main', type: 'button', id: 'next', onclick: this.next }, t('verdict.next'));
        this.lay(kind, children, [on], t('verdict.key'));
    }

    /* The first button has the focus. */
    lay(kind, children, buttons, hint) {
        this.below = el('div', { class: 'below' }, ...children, el('div', { class: 'actions side wide' }, ...buttons,
            el('p', { class: 'small muted' }, hint)));
        this.root.replaceChildren(this.banner(kind), this.below);
        buttons[0].focus();
    }

    /* answer: of POST /v1/verifications. */
    show(answer) {
        if (answer.result !== 'valid') {
            this.fill('not_valid', el('p', { class: 'told' }, t(`verdict.reason.${answer.reason}`)),
                el('p', { class: 'notice' }, t(`verdict.do.${answer.reason}`)));
            return;
        }
        const { holder } = answer;
        this.face = el('div', { class: 'wide', id: 'face' });
        const seen = el('div', { class: 'portrait', hidden: true });
        this.fill('valid', seen, el('div', {}, facts(holder, answer.credential?.details ?? answer.details),
            el('p', {}, el('span', { class: 'tag' }, word('assurance', answer.credential.assurance)), ' ',
                el('span', { class: 'tag' }, word('assurance', answer.assurance)))),
        this.face);
        if (holder.portrait_url)
            this.portrait(holder.portrait_url, seen);
        this.offerFace(this.face, answer);
    }

    /* seen, and face below: of one person; what is answered when the next one is
     * shown goes to nobody. */
    async portrait(url, seen) {
        const { below } = this;
        try {
            const blob = await call('GET', url, { auth: this.session, as: 'blob' });
            if (!seen.isConnected)
                return;
            this.photo = URL.createObjectURL(blob);
            seen.replaceChildren(el('img', { src: this.photo, alt: t('verdict.portrait'), width: 240, height: 320 }),
                el('p', { class: 'small muted' }, t('verdict.portrait')));
            seen.hidden = false;
            below.classList.add('with-portrait');
        } catch (problem) {
            seen.replaceChildren(el('p', { class: 'notice warn' }, t('verdict.portrait.none')));
            seen.hidden = false;
        }
    }

    offerFace(face, answer, text = '', kind = '') {
        const note = el('p', { class: 'notice', role: 'status', hidden: true });
        if (text !== '')
            say(note, text, kind);
        else if (answer.face_required)
            say(note, t('face.required'), 'warn');
        const button = el('button', { class: answer.face_required ? 'button main' : 'button', type: 'button',
            id: 'face-check', onclick: () => this.takeFace(face, answer) }, t('face.begin'));
        face.replaceChildren(note, button);
    }

    takeFace(face, answer) {
        this.capture = new Capture(face, 'face', (photo) => this.compare(face, answer, photo.blob));
        this.capture.start();
        face.scrollIntoView({ block: 'start' });
    }

    async compare(face, answer, photo) {
        const form = new FormData();
        form.append('photo', photo, 'photo.jpg');
        try {
            const said = await send(`/v1/verifications/${answer.id}/face`, { form, auth: this.session, progress: () => {} });
            const reasons = (said.reasons ?? []).map(reasonText).join(' ');
            this.offerFace(face, { ...answer, face_required: answer.face_required && said.result !== 'match' }, `${t(`face.${said.result}`)} ${reasons}`.trim(),
                { match: 'good', no_match: 'bad' }[said.result] ?? 'warn');
        } catch (problem) {
            this.offerFace(face, answer, problemText(problem), 'bad');
        }
    }

    /* Nothing is known about the code: say so, try again, or keep it for later. */
    async showProblem(problem, retry, keep) {
        const again = el('button', { class: 'button', type: 'button', id: 'retry' }, t('common.again'));
        again.addEventListener('click', () => busy(again, retry));
        this.lay('could_not_check', [el('p', { class: 'told' }, problemText(problem)),
            el('p', { class: 'notice warn' }, t('verdict.do.could_not_check'))],
        [el('button', { class: 'button main', type: 'button', id: 'keep', onclick: keep }, t('verdict.keep')), again,
            el('button', { class: 'button', type: 'button', id: 'next', onclick: this.next }, t('verdict.drop'))],
        t('verdict.keep.help'));
        const until = Date.now() + (problem instanceof Problem ? problem.retryAfter_s : 0) * 1000;
        for (again.disabled = true; Date.now() < until && again.isConnected; await wait(500))
            again.textContent = t('common.again.in', { left: leftText(until - Date.now()) });
        again.textContent = t('common.again');
        again.disabled = false;
    }

    /* What was shown is gone from the page. */
    clear() {
        this.capture?.stop();
        this.capture = null;
        if (this.photo !== null)
            URL.revokeObjectURL(this.photo);
        this.photo = null;
        this.root.replaceChildren();
    }
}
