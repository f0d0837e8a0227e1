/* scanner.js: looks for a code in the camera's picture, again and again. A code
 * that has been handed over counts anew only when it was out of sight. */
import { Camera } from './camera.js';
import { wait } from './time.js';

const LOOK_EVERY_MS = 120;
const OUT_OF_SIGHT_MS = 2000;

export class Scanner {
    constructor(video, found) {
        this.video = video;
        this.found = found;
        this.read = null;
        this.camera = new Camera(video);
        this.paused = false;
        this.last = { text: null, at: 0 };
    }

    /* read: from makeReader(). False when it was stopped meanwhile. A Problem when
     * there is no camera. */
    async start(read) {
        this.read = read;
        const open = await this.camera.open('environment');
        if (open)
            this.run(this.camera.turn);
        return open;
    }

    stop() {
        this.camera.close();
    }

    get running() {
        return this.camera.stream !== null;
    }

    async run(turn) {
        while (this.camera.turn === turn) {
            await wait(LOOK_EVERY_MS);
            if (this.video.videoWidth > 0 && !document.hidden)
                await this.look();
        }
    }

    async look() {
        let text = null;
        try {
            text = await this.read(this.video);
        } catch {
            /* A picture that could not be read is like one without a code. */
        }
        if (text === null)
            return;
        const now = performance.now();
        const again = text === this.last.text && now - this.last.at < OUT_OF_SIGHT_MS;
        this.last = { text, at: now };
        if (!again && !this.paused)
            this.found(text);
    }
}
