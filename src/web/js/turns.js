/* turns.js: shows the turns of a challenge one after the other and takes a frame
 * at each: by itself when the browser sees the head turn, else by a countdown;
 * and whenever the button is pressed. */
import { Camera } from './camera.js';
import { el, sign } from './dom.js';
import { hasTurned, headWatch } from './head.js';
import { t } from './i18n.js';
import { photoOfVideo } from './photo.js';
import { wait } from './time.js';

const COUNT_FROM = 4;
const LOOK_EVERY_MS = 150;
/* When the browser has a detector that does not see it: the countdown, too. */
const SEE_WITHIN_MS = 9000;
const PAUSE_MS = 900;

export class Turns {
    constructor(root) {
        this.video = el('video', { playsinline: true, muted: true, 'aria-label': t('capture.selfie.video') });
        this.video.muted = true;
        this.arrow = el('div', { class: 'arrow', hidden: true }, sign('left'));
        this.count = el('div', { class: 'count', 'aria-hidden': 'true', hidden: true });
        this.said = el('p', { class: 'said', role: 'status', 'aria-live': 'assertive' });
        this.flash = el('div', { class: 'shutter' });
        this.now = el('button', { class: 'button main', type: 'button', 'data-do': 'turn-now' }, t('turns.now'));
        root.replaceChildren(
            el('div', { class: 'finder selfie mirror' }, this.video, el('div', { class: 'guide' }),
                this.arrow, this.count, this.said, this.flash),
            el('div', { class: 'actions' }, this.now));
        this.camera = new Camera(this.video);
        this.watch = null;
        this.stopped = false;
    }

    /* The camera first: a challenge lives two minutes, permission may take one.
     * False when it was stopped meanwhile. */
    async open() {
        if (!await this.camera.open('user'))
            return false;
        this.watch = await headWatch();
        return !this.stopped;
    }

    /* The frames in the order of the steps, or null when it was stopped. */
    async run(steps) {
        const frames = [];
        const straight = this.watch === null ? null : await this.straight();
        for (const [i, side] of steps.entries()) {
            this.point(side);
            this.say('turns.step', { side: t(`turns.${side}`), i: i + 1, n: steps.length });
            await this.moment(side, straight);
            if (this.stopped)
                return null;
            frames.push(await this.frame());
            this.point(null);
            this.say(i + 1 < steps.length ? 'turns.back' : 'turns.done');
            await wait(PAUSE_MS);
            if (this.stopped)
                return null;
        }
        return frames;
    }

    async frame() {
        const photo = await photoOfVideo(this.video);
        this.flash.classList.remove('on');
        void this.flash.offsetWidth; /* so that the animation begins anew */
        this.flash.classList.add('on');
        return photo;
    }

    async straight() {
        this.say('turns.straight');
        for (let i = 0; i < 20 && !this.stopped; i++) {
            const pose = await this.watch(this.video);
            if (pose !== null)
                return pose;
            await wait(LOOK_EVERY_MS);
        }
        return null;
    }

    /* Resolves when the frame is to be taken. */
    moment(side, straight) {
        return new Promise((resolve) => {
            this.finish = resolve;
            this.now.onclick = resolve;
            const counting = straight === null ? this.countdown()
                : this.seen(side, straight).then((seen) => (seen ? undefined : this.countdown()));
            counting.then(resolve);
        }).finally(() => {
            this.finish = null;
            this.now.onclick = null;
            this.count.hidden = true;
        });
    }

    async countdown() {
        const { finish } = this;
        for (let left = COUNT_FROM; left > 0 && this.finish === finish && finish !== null; left--) {
            this.count.textContent = String(left);
            this.count.hidden = false;
            await wait(1000);
        }
    }

    async seen(side, straight) {
        const until = performance.now() + SEE_WITHIN_MS;
        let times = 0;
        while (performance.now() < until && !this.stopped) {
            const pose = await this.watch(this.video);
            times = pose !== null && hasTurned(pose, straight, side) ? times + 1 : 0;
            if (times === 2)
                return true;
            await wait(LOOK_EVERY_MS);
        }
        return false;
    }

    point(side) {
        this.arrow.hidden = side === null;
        this.arrow.className = `arrow ${side ?? ''}`;
    }

    say(key, values) {
        this.said.textContent = t(key, values);
    }

    stop() {
        this.stopped = true;
        this.finish?.();
        this.camera.close();
    }
}
