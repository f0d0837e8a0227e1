/* capture.js: takes one photo, with the camera or out of a file, shows it, says
 * what looks wrong with it, and hands it over when the person is content. */
import { Camera } from './camera.js';
import { busy, el, say } from './dom.js';
import { t } from './i18n.js';
import { photoOfFile, photoOfVideo } from './photo.js';
import { judgePicture } from './quality.js';
import { problemText } from './words.js';

const KINDS = {
    card: { facing: 'environment', frame: 'finder card-photo' },
    selfie: { facing: 'user', frame: 'finder selfie mirror' },
    /* Of who stands before a clerk. */
    face: { facing: 'environment', frame: 'finder selfie' },
};
const LOOK_EVERY_MS = 700;

export class Capture {
    /* done(photo) is called with { blob, quality, width, height }. */
    constructor(root, kind, done) {
        this.kind = KINDS[kind];
        this.name = kind;
        this.done = done;
        this.photo = null;
        this.build();
        root.replaceChildren(this.finder, this.note, this.taking, this.judging, this.file);
    }

    build() {
        const { name } = this;
        this.video = el('video', { playsinline: true, muted: true, 'aria-label': t(`capture.${name}.video`) });
        this.video.muted = true;
        this.camera = new Camera(this.video);
        this.image = el('img', { alt: t(`capture.${name}.taken`), hidden: true });
        this.guide = el('div', { class: 'guide' });
        this.said = el('p', { class: 'said', role: 'status' });
        this.finder = el('div', { class: this.kind.frame }, this.video, this.image, this.guide, this.said);
        this.note = el('p', { class: 'notice warn', role: 'status', hidden: true });
        this.file = el('input', { type: 'file', accept: 'image/jpeg,image/png,image/*', hidden: true,
            'data-photo': name, onchange: () => this.choose() });
        this.take = el('button', { class: 'button main', type: 'button', 'data-do': 'take',
            onclick: () => this.snap() }, t('capture.take'));
        const choose = el('button', { class: 'button', type: 'button', 'data-do': 'choose',
            onclick: () => this.file.click() }, t('capture.choose'));
        this.taking = el('div', { class: 'actions' }, this.take, choose);
        this.use = el('button', { class: 'button main', type: 'button', 'data-do': 'use',
            onclick: () => this.accept() }, t('capture.use'));
        const again = el('button', { class: 'button', type: 'button', onclick: () => this.start() }, t('capture.again'));
        this.judging = el('div', { class: 'actions', hidden: true }, this.use, again);
    }

    async start() {
        this.stop();
        this.forget();
        say(this.note, '');
        this.show(false);
        try {
            if (!await this.camera.open(this.kind.facing))
                return;
            this.finder.hidden = this.take.hidden = false;
            this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
        } catch (problem) {
            this.finder.hidden = this.take.hidden = true;
            say(this.note, problemText(problem));
        }
    }

    /* While the camera runs: one short hint at a time, said when it changes. */
    look() {
        if (this.video.videoWidth === 0)
            return;
        const hint = t(`capture.live.${this.name}.${judgePicture(this.video, this.video.videoWidth, this.video.videoHeight)}`);
        if (this.said.textContent !== hint)
            this.said.textContent = hint;
    }

    async snap() {
        if (this.video.videoWidth > 0)
            await busy(this.take, async () => this.judge(await photoOfVideo(this.video)));
    }

    async choose() {
        const [file] = this.file.files;
        this.file.value = '';
        if (file === undefined)
            return;
        try {
            this.judge(await photoOfFile(file));
        } catch (problem) {
            say(this.note, problemText(problem), 'bad');
        }
    }

    judge(photo) {
        this.stop();
        this.forget();
        this.photo = photo;
        this.image.src = URL.createObjectURL(photo.blob);
        this.finder.hidden = false;
        this.show(true);
        say(this.note, t(`capture.judged.${this.name}.${photo.quality}`), photo.quality === 'good' ? 'good' : 'warn');
        this.use.focus();
    }

    show(taken) {
        this.video.hidden = this.guide.hidden = this.said.hidden = this.taking.hidden = taken;
        this.image.hidden = this.judging.hidden = !taken;
    }

    accept() {
        const { photo } = this;
        this.stop();
        this.forget();
        this.done(photo);
    }

    forget() {
        if (this.image.src !== '')
            URL.revokeObjectURL(this.image.src);
        this.image.removeAttribute('src');
        this.photo = null;
    }

    stop() {
        clearInterval(this.timer);
        this.camera.close();
    }
}
