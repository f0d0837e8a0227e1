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

/* The same for photos: those of one person, in the forms that phones have. */
function album({ card, selfie, cancels }) {
    const shown = [card, selfie];
    window.asked = [];
    window.WeixinJSBridge = {
        on() {},
        call() {},
        invoke(name, args, done) {
            window.asked.push([name, args]);
            const ok = { errMsg: `${name}:ok`, err_msg: `${name}:ok` };
            const answer = {
                chooseImage: () => (cancels-- > 0 ? { errMsg: `${name}:cancel`, err_msg: `${name}:cancel` }
                    : { ...ok, localIds: '["weixin://resourceid/1"]' }),
                getLocalImgData: () => ({ ...ok, localData: shown.shift() ?? 'no photo' }),
            }[name] ?? (() => ok);
            if (name !== 'getNetworkType')
                setTimeout(() => done(answer()));
        },
    };
}

/* As far as the card's photo. */
async function fillIn(page, name, number) {
    await page.click('#begin');
    await page.check('#agree');
    await page.click('#consent button[type=submit]');
    await page.fill('#name', name);
    await page.fill('#number', number);
    await page.click('#details button[type=submit]');
    await page.locator('[data-step=card] [data-do=choose]:visible').waitFor();
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

await test('who enrols inside WeChat takes both photos with its camera, and a file is taken as well', async () => {
    await standin('visitor', { openid: 'openid-of-a-photographer' });
    const resident = await Person.sit(browser, INSIDE);
    const { page } = resident;
    const base64 = (flaw) => photo(9, flaw).toString('base64');
    await page.addInitScript(album, { cancels: 1, card: `data:image/jgp;base64,${base64()}`,
        selfie: base64().replace(/(.{60})/g, '$1\n') });
    await tap(page, 'enroll');
    await page.waitForURL('**/enroll#wechat');
    await fillIn(page, '王样本', '110105194912310011');
    const ours = (step, what) => page.locator(`[data-step=${step}] [data-do=${what}]:visible`);
    await ours('card', 'wechat').waitFor();
    await resident.look('chat-photo');
    await ours('card', 'wechat').click(); /* closed again */
    await page.waitForFunction(() => window.asked.filter(([name]) => name === 'chooseImage').length === 1);
    await ours('card', 'wechat').click();
    await ours('card', 'use').click();
    await ours('selfie', 'wechat').click();
    await ours('selfie', 'use').click();
    await page.locator('[data-do=turns-start]:visible').waitFor();
    const asked = await page.evaluate(() => window.asked);
    const [verify] = asked.filter(([name]) => name === 'preVerifyJSAPI');
    assert.match(verify[1].verifySignature, /^[0-9a-f]{40}$/);
    assert.deepEqual(asked.filter(([name]) => name === 'chooseImage').map(([, { sourceType }]) => sourceType),
        [['camera', 'album'], ['camera', 'album'], ['camera']]);
    /* What is no photo is said, and the file is there. */
    await page.click('[data-step=turns] [data-back]');
    await ours('selfie', 'wechat').click();
    await page.locator('[data-step=selfie] .notice.bad:visible').waitFor();
    await page.setInputFiles('[data-photo=selfie]', { name: 'selfie.png', mimeType: 'image/png', buffer: photo(9) });
    await ours('selfie', 'use').click();
    await page.click('[data-do=turns-skip]');
    await page.locator('[data-step=outcome]:visible').waitFor();
    await resident.leave();
});

await test('where WeChat does not take the signature, photos are taken as anywhere', async () => {
    const resident = await Person.sit(browser, INSIDE);
    resident.expected = /503/;
    const { page } = resident;
    await page.addInitScript(album, { cancels: 0 });
    await page.route('**/jssdk?page=enroll', (route) => route.fulfill({ status: 503, body: '{}' }));
    const asked = page.waitForResponse('**/jssdk?page=enroll');
    await standin('visitor', { openid: 'openid-of-nobody' });
    await tap(page, 'enroll');
    await fillIn(page, '王样本', '110105194912310011');
    await asked;
    await page.setInputFiles('[data-photo=card]', { name: 'card.png', mimeType: 'image/png', buffer: photo(9) });
    await page.locator('[data-step=card] [data-do=use]:visible').click();
    await page.locator('[data-step=selfie] [data-do=choose]:visible').waitFor();
    assert.equal(await page.locator('[data-do=wechat]').count(), 0);
    await resident.leave();
});

await test('who gets the ID onto another phone inside WeChat is bound there, and the old chat is not', async () => {
    await standin('visitor', { openid: 'openid-of-the-new-phone' });
    const resident = await Person.sit(browser, INSIDE);
    const { page } = resident;
    await tap(page, 'card');
    await page.waitForURL('**/enroll#wechat');
    await page.click('a[href="/card#recover"]');
    await page.fill('#recover-number', '11010519491231002X');
    await page.click('[data-do=recover-next]');
    await page.setInputFiles('[data-photo=selfie]', { name: 'selfie.png', mimeType: 'image/png', buffer: photo(7) });
    await page.locator('[data-do=use]:visible').click();
    await page.click('[data-do=turns-skip]');
    await page.waitForURL('**/card#wechat');
    await page.locator('#code img').waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('smartid.wallet')), null);
    await resident.leave();
    await standin('visitor', { openid: 'openid-of-a-resident' });
    const old = await Person.sit(browser, INSIDE);
    await tap(old.page, 'card');
    await old.page.waitForURL('**/enroll#wechat');
    await old.leave();
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
