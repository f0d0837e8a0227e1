/* camera.js: a camera in a video element, for as long as it is wanted: closed while
 * it opens, it does not come on later. */
import { Problem } from './api.js';

const CODES = {
    NotAllowedError: 'camera_forbidden',
    SecurityError: 'camera_forbidden',
    NotReadableError: 'camera_busy',
};

function end(stream) {
    for (const track of stream.getTracks())
        track.stop();
}

export class Camera {
    constructor(video) {
        this.video = video;
        this.stream = null;
        this.turn = 0;
    }

    /* facing: 'user' (selfie) or 'environment' (the back of the phone). False when
     * it was closed meanwhile. A Problem: camera_forbidden, camera_busy,
     * camera_missing. */
    async open(facing) {
        this.close();
        const { turn } = this;
        if (!navigator.mediaDevices?.getUserMedia)
            throw new Problem('camera_missing');
        let stream;
        try {
            stream = await navigator.mediaDevices.getUserMedia({
                audio: false,
                video: { facingMode: facing, width: { ideal: 1920 }, height: { ideal: 1440 } },
            });
        } catch (error) {
            if (turn !== this.turn)
                return false;
            throw new Problem(CODES[error.name] ?? 'camera_missing');
        }
        if (turn !== this.turn) {
            end(stream);
            return false;
        }
        this.stream = this.video.srcObject = stream;
        try {
            await this.video.play();
        } catch {
            /* The element was taken away meanwhile; whoever did so closes this. */
        }
        return turn === this.turn;
    }

    close() {
        this.turn++;
        if (this.stream !== null)
            end(this.stream);
        this.stream = this.video.srcObject = null;
    }
}
