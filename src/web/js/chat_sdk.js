/* chat_sdk.js: WeChat's own script inside WeChat, ready for what is asked of it on
 * one of our pages. Whoever uses it does without it where anything fails. */
import { call } from './api.js';
import { loadScript } from './reader.js';

/* It is made for bundlers: what it gives is looked for where they would. */
async function load() {
    globalThis.module = { exports: {} };
    try {
        await loadScript('/web/vendor/weixin_sdk.js');
        return globalThis.module.exports;
    } finally {
        delete globalThis.module;
    }
}

/* Where it can be: the address is signed as it stands. */
export const inside = () => navigator.userAgent.includes('MicroMessenger') && location.search === '';

export async function ready(account, page, jsApiList) {
    const [wx, signed] = await Promise.all([load(), call('GET', `/channels/wechat/${account}/jssdk?page=${page}`)]);
    await new Promise((resolve, reject) => {
        wx.ready(resolve);
        wx.error(reject);
        wx.config({ debug: false, appId: signed.app_id, timestamp: signed.timestamp, nonceStr: signed.nonce,
            signature: signed.signature, jsApiList });
    });
    return wx;
}
