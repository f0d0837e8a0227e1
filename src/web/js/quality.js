/* quality.js: is a picture too dark, too bright or blurred? Judged on a small
 * grey copy. Advice only: the server decides. */

const SIDE_PX = 320;
/* Mean brightness of 0 to 255 outside of which faces are lost. */
const DARK = 55;
const BRIGHT = 225;
/* Variance of the Laplacian at SIDE_PX: sharp photos have some hundreds, shaken
 * ones less than this. */
const SHARP = 40;

function grey(source, width, height) {
    const scale = Math.min(1, SIDE_PX / Math.max(width, height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(3, Math.round(width * scale));
    canvas.height = Math.max(3, Math.round(height * scale));
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const out = new Float32Array(canvas.width * canvas.height);
    for (let i = 0; i < out.length; i++)
        out[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
    return { pixels: out, width: canvas.width, height: canvas.height };
}

export function laplacianVariance({ pixels, width, height }) {
    let sum = 0;
    let squares = 0;
    let count = 0;
    for (let y = 1; y < height - 1; y++) {
        for (let x = 1; x < width - 1; x++) {
            const i = y * width + x;
            const value = pixels[i - 1] + pixels[i + 1] + pixels[i - width] + pixels[i + width] - 4 * pixels[i];
            sum += value;
            squares += value * value;
            count++;
        }
    }
    return squares / count - (sum / count) ** 2;
}

/* 'dark', 'bright', 'blurred' or 'good', of a video, an image or a canvas. */
export function judgePicture(source, width, height) {
    const picture = grey(source, width, height);
    const mean = picture.pixels.reduce((sum, value) => sum + value, 0) / picture.pixels.length;
    if (mean < DARK)
        return 'dark';
    if (mean > BRIGHT)
        return 'bright';
    return laplacianVariance(picture) < SHARP ? 'blurred' : 'good';
}
