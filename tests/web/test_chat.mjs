// test_chat.mjs: the pages inside WeChat, in a browser that says it is WeChat's: a
// resident sees their own card and leaves nothing on the phone, a clerk binds the
// chat and scans with WeChat's scanner, and who cannot be known is told what to do.
import assert from 'node:assert/strict';
import { launch, Person, world } from './browser.mjs';
import { photo } from './fake_photo.mjs';
import { test, totals } from './tests.mjs';

const INSIDE = { width: 360, height: 740, origin: world.fake, elsewhere: world.wechat,
    userAgent: 'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile MicroMessenger/8.0.47' };

/* Whose WeChat it is that opens links from now on. */
async function standin(name, value) {
    const answer = await fetch(`${world.wechat}/standin/${name}`, { method: 'POST', body: JSON.stringify(value) });
    assert.ok(answer.ok);
}

const tap = (page, to) => page.goto(`/channels/wechat/city/enter?to=${to}`);

/* What WeChat puts into its pages: it takes every signature, and sees this code. */
function bridge(code) {
    window.asked = [];
    window.WeixinJSBridge = {
        on() {},
        call() {},
        invoke(name, args, done) {
            window.asked.push([name, args]);
            if (name !== 'getNetworkType') /* what WeChat counts is blocked, and said on the console */
                setTimeout(() => done({ errMsg: `${name}:ok`, err_msg: `${name}:ok`, resultStr: JSON.stringify({ scan_code: { scan_result: code } }) }));
        },
    };
}

const browser = await launch();

await test('who taps in a chat sees their own card; the phone keeps nothing, and a reload still shows it', async () => {
    await standin('visitor', { openid: 'openid-of-a-resident' });
    const resident = await Person.sit(browser, INSIDE);
    const { page } = resident;
    await tap(page, 'card');
    await page.waitForURL('**/enroll#wechat');
    await page.locator('#begin:visible').waitFor();
    await resident.look('chat-enroll');
    const { csrf_token: token } = await (await resident.context.request.get('/v1/sessions')).json();
    const file = (name, who) => ({ name, mimeType: 'image/png', buffer: photo(who) });
    const answer = await resident.context.request.post('/v1/enrollments', { headers: { 'X-CSRF-Token': token, Prefer: 'wait=20' },
        multipart: { id_photo: file('card.png', 7), selfie: file('selfie.png', 7),
            holder: { name: 'holder.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify({ name: '王样本',
                id_number: '11010519491231002X', consent: { version: '2026-11', given_at: '2026-01-05T08:00:00Z' } })) } } });
    assert.equal(answer.status(), 201);
    await tap(page, 'card');
    await page.waitForURL('**/card#wechat');
    await page.locator('#code img').waitFor();
    await resident.look('chat-card');
    await page.reload();
    await page.locator('#code img').waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('smartid.wallet') ?? localStorage.getItem('smartid.code')), null);
    await page.click('#forget');
    await page.click('dialog button[value=yes]');
    await page.locator('[data-view=none]:visible').waitFor();
    assert.ok(!page.url().includes('#'));
    resident.expected = /401/;
    await page.waitForFunction(() => fetch('/v1/sessions').then((gone) => gone.status === 401));
    await resident.leave();
});

await test('who cannot be known is told what to do, in both languages', async () => {
    const person = await Person.sit(browser, INSIDE);
    const { page } = person;
    for (const [why, words] of [['again', '再点一次'], ['snapshot', '使用完整服务'], ['down', '稍等一分钟']]) {
        await page.goto('about:blank');
        await page.goto(`/card#wechat=${why}`);
        await page.locator('#notice', { hasText: words }).waitFor();
    }
    await person.look('chat-down');
    person.expected = /401/;
    await page.goto('about:blank');
    await page.goto('/card#wechat');
    await page.locator('#notice', { hasText: '再点一次' }).waitFor();
    await page.goto('/enroll#wechat=down');
    await page.locator('#chat', { hasText: '稍等一分钟' }).waitFor();
    await page.locator('#begin:visible').waitFor();
    await page.goto('/scan#wechat=snapshot');
    await page.locator('#signin .notice', { hasText: '使用完整服务' }).waitFor();
    await person.leave();
    const english = await Person.sit(browser, { ...INSIDE, language: 'en-US' });
    await english.page.goto('/card#wechat=snapshot');
    await english.page.locator('#notice', { hasText: 'Use full service' }).waitFor();
    await english.leave();
});

await test('a clerk binds the chat, scans with WeChat, and parts the chat again', async () => {
    await standin('visitor', { openid: 'openid-of-a-clerk' });
    const clerk = await Person.sit(browser, INSIDE);
    const { page } = clerk;
    await page.addInitScript(bridge, 'SID1:SOMETHING');
    await tap(page, 'scan');
    await page.fill('#key', world.fakeKeys.clerk);
    await page.keyboard.press('Enter');
    await page.locator('#purposes input').first().check();
    await page.fill('#counter', '7');
    await page.click('#setup button[type=submit]');
    await page.locator('#wechat-scan:visible').waitFor();
    await page.click('#chat-bind');
    await page.locator('#chat-said', { hasText: '已绑定' }).waitFor();
    await clerk.look('chat-scan');
    const asked = await page.evaluate(() => window.asked);
    assert.equal(asked[0][0], 'preVerifyJSAPI');
    assert.match(asked[0][1].verifySignature, /^[0-9a-f]{40}$/);
    await page.click('#wechat-scan');
    await page.locator('.banner.not_valid').waitFor();
    await page.keyboard.press('Escape');
    await page.click('#chat-part');
    await page.locator('#chat-said', { hasText: '已解除' }).waitFor();
    clerk.expected = /404/;
    await page.click('#chat-part');
    await page.locator('#chat-said.bad').waitFor();
    await clerk.leave();
});

await test('where WeChat does not take the signature, there is the camera as ever', async () => {
    const clerk = await Person.sit(browser, INSIDE);
    clerk.expected = /503|401/;
    const { page } = clerk;
    await page.addInitScript(bridge, 'SID1:SOMETHING');
    await tap(page, 'scan');
    await page.route('**/jssdk?page=scan', (route) => route.fulfill({ status: 503, body: '{}' }));
    await page.fill('#key', world.fakeKeys.clerk);
    await page.keyboard.press('Enter');
    await page.locator('#purposes input').first().check();
    await page.fill('#counter', '7');
    await page.click('#setup button[type=submit]');
    await page.locator('#lens-said:not(:empty)').waitFor();
    assert.ok(await page.locator('#wechat').isHidden());
    await page.fill('#code', 'SID1:SOMETHING');
    await page.keyboard.press('Enter');
    await page.locator('.banner.not_valid').waitFor();
    await clerk.leave();
});

await browser.close();
totals();
