/* chat_clerk.js: a clerk who came out of a chat binds that chat account to the
 * key, so that codes can be checked in the chat, or parts them; and may scan with
 * WeChat's own scanner, where it takes our signature. */
import { call } from './api.js';
import { inside, ready as sdk } from './chat_sdk.js';
import { busy, byId, say } from './dom.js';
import { t } from './i18n.js';
import { problemText } from './words.js';

const PATH = '/v1/sessions/wechat';

async function act(session, method, button, done) {
    const said = byId('chat-said');
    try {
        await busy(button, () => call(method, PATH, { auth: session }));
        say(said, t(done), 'good');
    } catch (problem) {
        say(said, problem.status === 404 ? t('chat.none') : problemText(problem), 'bad');
    }
}

let current = null;
let ready = false;

/* Shows it for whom there is a chat to bind. */
export function offerChat(session) {
    if (current === null) {
        byId('chat-bind').addEventListener('click', () => act(current, 'POST', byId('chat-bind'), 'chat.bound'));
        byId('chat-part').addEventListener('click', () => act(current, 'DELETE', byId('chat-part'), 'chat.parted'));
    }
    current = session;
    say(byId('chat-said'), '');
    byId('chat').hidden = session.answer.wechat === undefined;
}

/* Offers WeChat's scanner beside the camera, the hand scanner and the field; where
 * anything of it fails there is none, and those are there as ever. */
export async function offerScanner(session, found) {
    const { wechat } = session.answer;
    if (wechat === undefined || !inside() || ready)
        return;
    try {
        const wx = await sdk(wechat, 'scan', ['scanQRCode']);
        ready = true;
        byId('wechat-scan').addEventListener('click', () => wx.scanQRCode({ needResult: 1, scanType: ['qrCode'],
            success: ({ resultStr }) => found(resultStr) }));
        byId('wechat').hidden = false;
    } catch {
        /* See above. */
    }
}
