/* photo.js: from a file or a video to the JPEG that is sent: turned as the
 * camera says, at most SIDE_MAX_PX, without what cameras write beside it. */
import { Problem } from './api.js';
import { judgePicture } from './quality.js';

const SIDE_MAX_PX = 2000;
const QUALITY = 0.9;

async function finish(source, crop) {
    const scale = Math.min(1, SIDE_MAX_PX / Math.max(crop.width, crop.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(crop.width * scale);
    canvas.height = Math.round(crop.height * scale);
    const context = canvas.getContext('2d');
    context.fillStyle = '#ffffff';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(source, crop.x, crop.y, crop.width, crop.height, 0, 0, canvas.width, canvas.height);
    const quality = judgePicture(canvas, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY));
    if (blob === null)
        throw new Problem('photo_unreadable');
    return { blob, quality, width: canvas.width, height: canvas.height };
}

export async function photoOfFile(file) {
    let bitmap;
    try {
        bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
    } catch {
        throw new Problem('photo_unreadable');
    }
    try {
        return await finish(bitmap, { x: 0, y: 0, width: bitmap.width, height: bitmap.height });
    } finally {
        bitmap.close();
    }
}

/* What is seen of the video in a box of that shape, and no more. */
export function seenPart(video, shape) {
    const { videoWidth: width, videoHeight: height } = video;
    const seen = width / height > shape ? { width: height * shape, height } : { width, height: width / shape };
    return { x: (width - seen.width) / 2, y: (height - seen.height) / 2, ...seen };
}

export function photoOfVideo(video) {
    return finish(video, seenPart(video, video.clientWidth / video.clientHeight));
}
