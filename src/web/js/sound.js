/* sound.js: three answers that ears tell apart: rising, low, and twice the same. */

const TUNES = {
    valid: [[660, 0, 0.12], [990, 0.13, 0.18]],
    not_valid: [[180, 0, 0.5]],
    could_not_check: [[440, 0, 0.12], [440, 0.2, 0.12]],
};

export class Sound {
    /* To be called from a click: browsers allow no sound before one. */
    wake() {
        this.context ??= 'AudioContext' in globalThis ? new AudioContext() : null;
        this.context?.resume();
    }

    play(name) {
        if (!this.context)
            return;
        for (const [hertz, after_s, long_s] of TUNES[name]) {
            const tone = this.context.createOscillator();
            const gain = this.context.createGain();
            const begin = this.context.currentTime + after_s;
            tone.frequency.value = hertz;
            tone.type = name === 'not_valid' ? 'square' : 'sine';
            gain.gain.setValueAtTime(0.2, begin);
            gain.gain.exponentialRampToValueAtTime(0.001, begin + long_s);
            tone.connect(gain).connect(this.context.destination);
            tone.start(begin);
            tone.stop(begin + long_s);
        }
    }
}
