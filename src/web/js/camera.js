/* camera.js: a camera in a video element, and its end. */
import { Problem } from './api.js';

const CODES = {
    NotAllowedError: 'camera_forbidden',
    SecurityError: 'camera_forbidden',
    NotReadableError: 'camera_busy',
};

/* facing: 'user' (selfie) or 'environment' (the back of the phone). Returns what
 * ends it. A Problem: camera_forbidden, camera_busy, camera_missing. */
export async function openCamera(video, facing) {
    if (!navigator.mediaDevices?.getUserMedia)
        throw new Problem('camera_missing');
    let stream;
    try {
        stream = await navigator.mediaDevices.getUserMedia({
            audio: false,
            video: { facingMode: facing, width: { ideal: 1920 }, height: { ideal: 1440 } },
        });
    } catch (error) {
        throw new Problem(CODES[error.name] ?? 'camera_missing');
    }
    video.srcObject = stream;
    try {
        await video.play();
    } catch {
        /* The element was taken away meanwhile; whoever did so ends it. */
    }
    return () => {
        for (const track of stream.getTracks())
            track.stop();
        video.srcObject = null;
    };
}
