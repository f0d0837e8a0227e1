/* reader.js: QR codes in a video: by the browser where it can, else by zxing-wasm,
 * which comes from this very server. */

const WASM = { js: '/web/vendor/zxing_reader.js', wasm: '/web/vendor/zxing_reader.wasm' };
const SIDE_MAX_PX = 1280;

async function nativeReader() {
    if (!('BarcodeDetector' in globalThis))
        return null;
    try {
        const formats = await globalThis.BarcodeDetector.getSupportedFormats();
        if (!formats.includes('qr_code'))
            return null;
        const detector = new globalThis.BarcodeDetector({ formats: ['qr_code'] });
        return async (video) => (await detector.detect(video))[0]?.rawValue ?? null;
    } catch {
        return null;
    }
}

export function loadScript(src) {
    return new Promise((resolve, reject) => {
        const script = document.createElement('script');
        script.src = src;
        script.onload = resolve;
        script.onerror = reject;
        document.head.append(script);
    });
}

async function wasmReader() {
    await loadScript(WASM.js);
    const { prepareZXingModule, readBarcodes } = globalThis.ZXingWASM;
    await prepareZXingModule({ overrides: { locateFile: () => WASM.wasm }, fireImmediately: true });
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d', { willReadFrequently: true });
    return async (video) => {
        const scale = Math.min(1, SIDE_MAX_PX / Math.max(video.videoWidth, video.videoHeight));
        canvas.width = Math.round(video.videoWidth * scale);
        canvas.height = Math.round(video.videoHeight * scale);
        context.drawImage(video, 0, 0, canvas.width, canvas.height);
        const found = await readBarcodes(context.getImageData(0, 0, canvas.width, canvas.height),
            { formats: ['QRCode'], maxNumberOfSymbols: 1, tryHarder: true });
        return found.find((symbol) => symbol.isValid)?.text ?? null;
    };
}

/* Returns read(video): the text of a code that is seen, or null. */
export const makeReader = async () => (await nativeReader()) ?? wasmReader();
