/* chat_photo.js: inside WeChat, its own camera and album beside ours: on some phones
 * the page's do not open there. Where anything of it fails there is none, and the
 * camera and the file are there as ever. */
import { Problem } from './api.js';
import { inside, ready } from './chat_sdk.js';
import { busy, el, say } from './dom.js';
import { currentLanguage } from './i18n.js';
import { photoOfFile } from './photo.js';
import { problemText } from './words.js';

let sdk = null;

/* As a promise; null: the person has closed it. */
const ask = (wx, name, what) => new Promise((resolve, reject) => wx[name]({ ...what, success: resolve,
    cancel: () => resolve(null), fail: () => reject(new Problem('photo_unreadable')) }));

/* Base64, on some phones as an address: "data:image/jgp;base64,…". */
function blobOf(text) {
    try {
        const bytes = atob(text.slice(text.indexOf(',') + 1).replace(/\s/g, ''));
        return new Blob([Uint8Array.from(bytes, (letter) => letter.charCodeAt(0))]);
    } catch {
        throw new Problem('photo_unreadable');
    }
}

async function take(wx, capture) {
    try {
        const chosen = await ask(wx, 'chooseImage', { count: 1, sizeType: ['original', 'compressed'],
            sourceType: capture.name === 'card' ? ['camera', 'album'] : ['camera'] });
        if (chosen === null)
            return;
        const { localData } = await ask(wx, 'getLocalImgData', { localId: chosen.localIds[0] });
        const photo = await photoOfFile(blobOf(localData));
        if (capture.taking.isConnected && !capture.taking.hidden) /* else it comes too late */
            capture.judge(photo);
    } catch (problem) {
        say(capture.note, problemText(problem), 'bad');
    }
}

export async function offerPhoto(account, capture) {
    if (!inside())
        return;
    try {
        sdk ??= ready(account, 'enroll', ['chooseImage', 'getLocalImgData']);
        const [wx, { default: texts }] = await Promise.all([sdk, import(`./text/${currentLanguage()}.chat.js`)]);
        const button = el('button', { class: 'button', type: 'button', 'data-do': 'wechat',
            onclick: () => busy(button, () => take(wx, capture)) }, texts.photo);
        capture.taking.append(button);
    } catch {
        /* See above. */
    }
}
