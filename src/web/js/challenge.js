/* challenge.js: the selfie and what proves that it is of somebody who is there:
 * used to enrol and to get the ID onto another phone. */
import { call } from './api.js';
import { Capture } from './capture.js';
import { el, say } from './dom.js';
import { t } from './i18n.js';
import { Turns } from './turns.js';
import { problemText } from './words.js';

export function takeSelfie(root, done) {
    const capture = new Capture(root, 'selfie', done);
    capture.start();
    return capture;
}

/* Asks whether the person can turn the head, shows the turns, and calls
 * done({ id, frames }), or done(null) for who goes on without. */
export class Challenge {
    constructor(root, applicant, done) {
        this.root = root;
        this.applicant = applicant;
        this.done = done;
        this.turns = null;
    }

    ask(text = '') {
        this.stop();
        const note = el('p', { class: 'notice warn', role: 'status', hidden: true });
        say(note, text);
        this.root.replaceChildren(
            el('p', {}, t('turns.why')),
            el('ul', {}, el('li', {}, t('turns.how1')), el('li', {}, t('turns.how2')), el('li', {}, t('turns.how3'))),
            note,
            el('div', { class: 'actions' },
                el('button', { class: 'button main', type: 'button', 'data-do': 'turns-start',
                    onclick: () => this.begin() }, t('turns.start')),
                el('button', { class: 'button quiet', type: 'button', 'data-do': 'turns-skip',
                    onclick: () => this.done(null) }, t('turns.cannot'))),
            el('p', { class: 'small muted' }, t('turns.without')));
    }

    async begin() {
        this.turns = new Turns(this.root);
        const { turns } = this;
        try {
            if (!await turns.open())
                return;
            const challenge = await this.applicant.run((session) =>
                call('POST', '/v1/challenges', { json: {}, auth: session }));
            const frames = await turns.run(challenge.steps);
            turns.stop();
            if (frames !== null)
                this.done({ id: challenge.id, frames: frames.map((photo) => photo.blob) });
        } catch (problem) {
            if (turns.stopped)
                return;
            turns.stop();
            this.ask(problemText(problem));
        }
    }

    stop() {
        this.turns?.stop();
        this.turns = null;
    }
}

/* Adds what was taken to a form. */
export function addSelfie(form, selfie, challenge) {
    form.append('selfie', selfie, 'selfie.jpg');
    if (challenge === null)
        return;
    form.append('challenge_id', challenge.id);
    challenge.frames.forEach((frame, i) => form.append(`frame_${i + 1}`, frame, `frame_${i + 1}.jpg`));
}
