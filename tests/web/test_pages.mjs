// test_pages.mjs: the three jobs, in a browser, one after the other: a resident
// enrols and gets the card, a clerk scans that very card, an officer decides; and
// what each sees when something is not as it should be.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ask, enrol, film, launch, Person, sample, world } from './browser.mjs';
import { test, totals } from './tests.mjs';

const SMALL = { language: 'zh-CN', width: 360, height: 740 };
const LARGE = { language: 'en-US', width: 1280, height: 800 };
const NUMBER = '440524188001010014';

/* A face, as a camera sees it. */
async function faceFilm(browser, file) {
    const page = await browser.newPage({ viewport: { width: 640, height: 480 } });
    const data = readFileSync(file).toString('base64');
    await page.setContent(`<body style="margin:0;background:#789"><img style="width:640px;height:480px;object-fit:contain" src="data:image/jpeg;base64,${data}">`);
    await page.waitForFunction(() => document.images[0].complete);
    const jpeg = await page.screenshot({ type: 'jpeg', quality: 90 });
    await page.close();
    return film('face', jpeg);
}

async function choosePhoto(page, name, file) {
    await page.setInputFiles(`[data-photo=${name}]`, file);
    await page.locator('[data-do=use]:visible').waitFor();
}

const usePhoto = (page) => page.click('[data-do=use]:visible');

async function signIn(person, path, key) {
    await person.page.goto(path);
    await person.page.fill('#key', key);
    await person.page.keyboard.press('Enter');
}

/* In the page: a camera and a face detector for the fake engine, to which a
 * colour is a person (red), the way the head is turned (green) and a photo (blue). */
function actor() {
    const canvas = document.createElement('canvas');
    canvas.width = 320;
    canvas.height = 240;
    const paper = canvas.getContext('2d');
    // What the detector sees is the frame it is given: the camera is late.
    const seen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    let colour = [80, 0, 10];
    let photo = 20;
    const green = { left: 192, right: 208, up: 224, down: 240 };
    const nose = { left: [75, 75], right: [45, 75], up: [60, 65], down: [60, 85] };
    setInterval(() => {
        paper.fillStyle = `rgb(${colour.join(' ')})`;
        paper.fillRect(0, 0, canvas.width, canvas.height);
    }, 60);
    const shown = () => {
        const video = [...document.querySelectorAll('video')].find((one) => one.checkVisibility() && one.videoWidth > 0);
        if (video === undefined)
            return false;
        seen.drawImage(video, 0, 0, 1, 1);
        return colour.every((shade, i) => Math.abs(seen.getImageData(0, 0, 1, 1).data[i] - shade) < 8);
    };
    window.actor = {
        /* Ends when the page's camera shows it: a photo taken before would be
         * the one before. */
        async wear(next) {
            colour = next;
            while (!shown())
                await new Promise(requestAnimationFrame);
        },
        turn(next) {
            photo += 40;
            colour = [80, green[next] ?? 0, photo];
        },
    };
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
    window.FaceDetector = class {
        async detect(frame) {
            seen.drawImage(frame, 0, 0, 1, 1);
            const shade = seen.getImageData(0, 0, 1, 1).data[1];
            const side = Object.keys(green).find((one) => Math.abs(green[one] - shade) < 8);
            const [x, y] = nose[side] ?? [60, 75];
            return [{ landmarks: [{ type: 'eye', locations: [{ x: 40, y: 50 }] }, { type: 'eye', locations: [{ x: 80, y: 50 }] },
                { type: 'nose', locations: [{ x, y }] }] }];
        }
    };
}

const desk = await launch();
const home = await launch(await faceFilm(desk, sample('franck_02221.jpg')));
let resident = await Person.sit(home, SMALL);
let counter;
let clerk;
let officer;
let credential;

await test('a resident reads what it is about, agrees, and is told of a wrong ID number while typing', async () => {
    const { page } = resident;
    await page.goto('/enroll');
    await page.locator('#begin').waitFor();
    await resident.look('welcome');
    await page.click('#begin');
    await page.click('#consent button[type=submit]');
    await page.locator('#consent-help:visible').waitFor();
    await resident.look('consent');
    await page.check('#agree');
    await page.check('#portrait');
    await page.click('#consent button[type=submit]');
    await page.fill('#name', 'Zhang Yangben');
    await page.fill('#number', '440524188001010013');
    await page.locator('#number[aria-invalid=true]').waitFor();
    await resident.look('details-wrong');
    await page.fill('#number', NUMBER);
    await page.locator('#number-help.good').waitFor();
    await page.click('#details button[type=submit]');
});

await test('the resident takes photos with camera and album, turns the head, and is told what to mend', async () => {
    const { page } = resident;
    await page.locator('.finder.card-photo .said:not(:empty)').waitFor();
    await resident.look('card-camera');
    await choosePhoto(page, 'card', world.card);
    await resident.look('card-taken');
    await usePhoto(page);
    await page.locator('.finder.selfie .said:not(:empty)').waitFor();
    await page.click('[data-do=take]');
    await page.locator('[data-do=use]:visible').waitFor();
    await resident.look('selfie-taken');
    await usePhoto(page);
    await resident.look('turns');
    await page.click('[data-do=turns-start]');
    for (const at of ['1/2', '2/2']) {
        await page.locator('.said', { hasText: at }).waitFor();
        if (at === '1/2')
            await resident.look('turning', { judge: false });
        await page.click('[data-do=turn-now]');
    }
    await page.locator('[data-do=retake]').waitFor();
    await resident.look('rejected');
});

await test('where the browser sees faces, frames are taken by themselves at the right turn', async () => {
    const other = await Person.sit(home, { ...SMALL, language: 'en-US', origin: world.fake });
    await other.page.addInitScript(actor);
    const { page } = other;
    await page.goto('/enroll');
    await page.click('#begin');
    await page.check('#agree');
    await page.click('#consent button[type=submit]');
    await page.fill('#name', 'Wang Example');
    await page.fill('#number', NUMBER);
    await page.click('#details button[type=submit]');
    for (const [red, green, blue] of [[80, 0, 10], [80, 0, 200]]) {
        await page.evaluate((colour) => window.actor.wear(colour), [red, green, blue]);
        await page.click('[data-do=take]:visible');
        await usePhoto(page);
    }
    await page.click('[data-do=turns-start]');
    const taken = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/v1/enrollments'));
    for (const at of ['1/2', '2/2']) {
        const step = page.locator('.said', { hasText: at });
        await step.waitFor();
        const side = /your head (?:to your )?(left|right|up|down)/.exec(await step.textContent())[1];
        await page.evaluate((to) => window.actor.turn(to), side);
        if (at === '1/2') {
            await page.locator('.said', { hasText: 'Back to the middle' }).waitFor();
            await page.evaluate(() => window.actor.turn(null));
        }
    }
    await taken;
    await page.locator('[data-do=card]').waitFor();
    await page.click('[data-do=card]');
    await page.locator('#code img').waitFor();
    const { credential_id: id, holder_secret: secret } = await page.evaluate(() => JSON.parse(localStorage.getItem('smartid.wallet')));
    const credential = await (await fetch(`${world.fake}/v1/credentials/${id}`, { headers: { Authorization: `Bearer ${secret}` } })).json();
    assert.equal(credential.assurance, 'remote_live');
    await other.leave();
});

await test('only what was wrong is taken anew, without turns for who cannot; approved, it leads to the card', async () => {
    const { page } = resident;
    await page.click('[data-do=retake]');
    await page.click('[data-do=turns-skip]');
    await page.locator('[data-do=card]').waitFor();
    await resident.look('approved');
    await page.click('[data-do=card]');
    await page.locator('#code img').waitFor();
    assert.match(await page.textContent('#name'), /^Z＊/);
    await resident.look('card');
    await page.click('#who');
    assert.equal(await page.textContent('#name'), 'Zhang Yangben');
    await page.click('#live');
    await page.locator('#strip.live').waitFor();
    await page.locator('#life:visible').waitFor();
    await resident.look('card-live');
    await page.click('#live');
});

await test('a clerk scans that very card: valid, with portrait and a face check', async () => {
    const { page: phone } = resident;
    await phone.setViewportSize({ width: 480, height: 640 });
    await phone.locator('#code img').scrollIntoViewIfNeeded();
    const picture = await phone.screenshot({ type: 'jpeg', quality: 90 });
    await phone.setViewportSize({ width: SMALL.width, height: SMALL.height });
    counter = await launch(film('code', picture));
    clerk = await Person.sit(counter, LARGE);
    const { page } = clerk;
    await page.goto('/scan');
    await clerk.look('scan-signin');
    clerk.expected = /401.*sessions/;
    await page.fill('#key', world.keys.officer.replace(/.$/, 'x'));
    await page.keyboard.press('Enter');
    await page.locator('[role=alert]:visible').waitFor();
    clerk.expected = null;
    await page.fill('#key', world.keys.clerk);
    await page.keyboard.press('Enter');
    await page.check('input[value=hotel_check_in]');
    await page.fill('#counter', '12');
    await clerk.look('scan-setup');
    await clerk.lookSmall('scan-setup');
    await page.click('#setup button[type=submit]');
    await page.locator('.banner.valid').waitFor();
    assert.equal(await page.textContent('dd.number'), NUMBER);
    await page.locator('.portrait img').waitFor();
    await clerk.look('scan-valid');
    await clerk.lookSmall('scan-valid');
    await page.click('#face-check');
    await choosePhoto(page, 'face', sample('franck_02159.jpg'));
    await usePhoto(page);
    await page.locator('#face .notice.good').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#last li').waitFor();
    await clerk.look('scan');
    await clerk.lookSmall('scan');
    assert.ok(!(await page.content()).includes('Zhang Yangben'), 'no personal data is left');
});

await test('the resident sees who asked, and says that it was not right', async () => {
    const { page } = resident;
    await page.click('[data-go=checks]');
    await page.locator('.checks li').waitFor();
    await page.locator('.checks li button').click();
    await page.fill('.checks textarea', '我没有去过这家酒店。');
    await resident.look('checks');
    await page.click('.checks button[type=submit]');
    await page.locator('.checks .tag.warn').waitFor();
    await page.click('[data-go=pass]:visible');
});

await test('suspended by the resident, the same card is red; a key goes back to scanning', async () => {
    const { page } = resident;
    await page.click('#suspend');
    await resident.look('suspend');
    await page.click('dialog button[value=yes]');
    await page.locator('#resume').waitFor();
    await resident.look('suspended');
    await clerk.page.reload();
    await clerk.page.locator('.banner.not_valid').waitFor();
    await clerk.look('scan-not-valid');
    await clerk.lookSmall('scan-not-valid');
    await page.click('#resume');
    await page.locator('#code img').waitFor();
});

await test('on a new phone the ID comes back with number and face, and the old phone has none', async () => {
    const old = resident;
    resident = await Person.sit(home, SMALL);
    const { page } = resident;
    await page.goto('/card');
    await page.locator('[data-view=none]:visible').waitFor();
    await resident.look('card-none');
    await page.click('[data-go=recover]:visible');
    await page.fill('#recover-number', NUMBER);
    await page.click('[data-do=recover-next]');
    await choosePhoto(page, 'selfie', sample('franck_02888.jpg'));
    await usePhoto(page);
    await page.click('[data-do=turns-skip]');
    await page.locator('#code img').waitFor();
    await resident.look('card-recovered');
    old.expected = /404/;
    await old.page.reload();
    await old.page.locator('[data-view=none]:visible').waitFor();
    await old.look('card-dead');
    await old.leave();
});

await test('in English on a large screen: sent anew as the same, two faces that differ, told why, and an appeal', async () => {
    const other = await Person.sit(home, { ...LARGE, dark: true });
    const { page } = other;
    await page.goto('/enroll');
    await page.locator('#begin').waitFor();
    await other.look('welcome-dark');
    await page.click('#begin');
    await page.check('#agree');
    await other.look('consent-dark');
    await page.click('#consent button[type=submit]');
    await page.fill('#name', 'Li Yangben');
    await page.fill('#number', '110105194912310011');
    await other.look('details-dark');
    await page.click('#details button[type=submit]');
    await choosePhoto(page, 'card', sample('SeanConnery.jpg'));
    await other.look('card-taken-dark');
    await usePhoto(page);
    await choosePhoto(page, 'selfie', sample('franck_02221.jpg'));
    await usePhoto(page);
    await page.locator('[data-do=turns-skip]').waitFor();
    await other.look('turns-dark');
    const keys = [];
    page.on('request', (request) => request.url().endsWith('/v1/enrollments') && keys.push(request.headers()['idempotency-key']));
    other.expected = /ERR_FAILED/;
    await page.route('**/v1/enrollments', (route) => route.abort(), { times: 1 });
    await page.click('[data-do=turns-skip]');
    await page.locator('#send-again:visible').waitFor();
    await other.look('send-failed-dark');
    await page.click('#send-again');
    await page.locator('[data-do=appeal]').waitFor();
    assert.ok(keys.length === 2 && keys[0] === keys[1] && keys[0], 'a try whose answer was lost counts once');
    await other.look('rejected-dark');
    await page.click('[data-do=appeal]');
    await page.fill('#statement', 'It is me, with a beard.');
    await other.look('appeal');
    await page.click('[data-do=send-appeal]');
    await page.locator('[data-do=look]').waitFor();
    await other.look('in-review');
    await other.leave();
});

await test('an officer decides review cases with the keyboard, an appeal among them', async () => {
    const before = await enrol('李样本', '11010519491231002X', sample('SeanConnery.jpg'), sample('facemodel_numbering_new.png'));
    assert.equal(before.state, 'rejected', JSON.stringify(before));
    const waiting = await enrol('李样本', '11010519491231002X', sample('SeanConnery.jpg'), sample('sean_guru2_crop.jpg'));
    assert.equal(waiting.state, 'review', JSON.stringify(waiting));
    officer = await Person.sit(desk, { ...LARGE, language: 'zh-CN' });
    const { page } = officer;
    await signIn(officer, '/console', world.keys.officer);
    await page.locator('.pair img').first().waitFor();
    await page.keyboard.press('j');
    await page.locator(`[data-id="${waiting.id}"][aria-current=true]`).waitFor();
    await page.locator('h2', { hasText: '李样本' }).waitFor();
    await page.locator('.pair img').first().waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('.pair img')].every((image) => image.naturalWidth > 0));
    assert.deepEqual(await page.locator('.pair.faces img').evaluateAll((images) => images.map((image) => [image.naturalWidth, image.naturalHeight])),
        [[112, 112], [112, 112]]);
    /* Of this daemon, which has other ones than the defaults. */
    assert.deepEqual(await page.locator('[data-score=similarity] .limits span').allTextContents(), ['0.34', '0.61']);
    assert.deepEqual(await page.locator('[data-score=liveness] .limits span').allTextContents(), ['0.12']);
    assert.match(await page.textContent('#earlier'), /未通过/);
    await officer.look('console-review');
    await officer.lookSmall('console-review');
    await page.locator('.photo').first().click();
    await page.locator('dialog.zoom[open] img').waitFor();
    await officer.look('console-zoom');
    await page.keyboard.press('Escape');
    await page.keyboard.press('a');
    await page.locator('.presets button').first().click();
    await officer.look('console-decide');
    await page.keyboard.press('Control+Enter');
    await page.locator('[data-id][aria-current=true] .tag.warn').waitFor();
    await page.locator('.notice', { hasText: 'It is me, with a beard.' }).waitFor();
    await page.keyboard.press('r');
    await page.locator('.presets button').first().click();
    await officer.look('console-appeal');
    await page.keyboard.press('Control+Enter');
    await page.locator('.empty').waitFor();
    await officer.look('console-empty');
    const decided = await ask('GET', `/v1/enrollments/${waiting.id}`, { key: world.keys.app });
    assert.equal(decided.state, 'approved');
});

await test('the officer settles the dispute', async () => {
    const { page } = officer;
    await page.click('[data-desk=disputes]');
    await page.fill('.card textarea', '已联系酒店核实。');
    await officer.look('console-disputes');
    await officer.lookSmall('console-disputes');
    await page.click('[data-do=upheld]');
    await page.locator('.empty').waitFor();
});

await test('the officer finds the person by number, sees what was done, and how the service is', async () => {
    const { page } = officer;
    await page.click('[data-desk=search]');
    await page.fill('#search', NUMBER);
    await page.keyboard.press('Enter');
    await page.locator('.person').waitFor();
    credential = await page.locator('.person dd').last().textContent();
    await page.click('[data-do=upgrade]');
    await officer.look('console-search');
    await officer.lookSmall('console-search');
    await page.check('[name=person_seen]');
    await page.check('[name=card_seen]');
    await page.click('[data-do=upgrade-now]');
    await page.locator('.notice.good').waitFor();
    await page.locator('.person [data-do=upgrade]').waitFor({ state: 'detached' });
    await page.click('[data-do=issue]');
    await page.fill('#issue-classes', 'C1 D');
    await page.fill('#issue-first_issue', '2020-05-17');
    await officer.look('console-issue');
    await officer.lookSmall('console-issue');
    await page.click('[data-do=issue-now]');
    await page.locator('.person h2', { hasText: '驾驶证' }).waitFor();
    assert.match(await page.locator('.person').last().textContent(), /准驾车型C1 D/);
    assert.equal(await page.locator('.person').last().locator('[data-do=upgrade], [data-do=issue], [data-do=recover]').count(), 0);
    await officer.look('console-licence');
    await page.click('[data-desk=audit]');
    await page.fill('#subject', credential);
    await page.keyboard.press('Enter');
    await page.locator('tbody tr').first().waitFor();
    await officer.look('console-audit');
    await officer.lookSmall('console-audit');
    await page.click('[data-desk=health]');
    await page.locator('.tile').first().waitFor();
    await officer.look('console-health');
    await officer.lookSmall('console-health');
});

await test('the officer is told what looks like misuse, and sees the rows behind it', async () => {
    const { page } = officer;
    await page.click('[data-desk=misuse]');
    await page.fill('#from', '2020-01-01');
    await page.click('form button[type=submit]');
    await page.locator('[role=alert]:visible').waitFor();
    await officer.look('console-misuse-days');
    await page.click('[data-desk=misuse]');
    await page.click('form button[type=submit]');
    await page.locator('.empty').waitFor();
    await officer.look('console-misuse-none');
    for (let i = 0; i < 12; i++)
        await ask('POST', '/v1/verifications', { key: world.keys.clerk, json: { code: 'SID1:NO CODE', purpose: 'train_ticket' } });
    await page.click('form button[type=submit]');
    await page.locator('[data-rule=not_valid]').waitFor();
    await officer.look('console-misuse');
    await officer.lookSmall('console-misuse');
    assert.equal(await page.locator('[data-rule=not_valid] [data-do=rows]').count(), 0);
    await page.route('**/v1/audit/report?*', async (route) => {
        const answer = await route.fetch();
        const report = await answer.json();
        report.found.push({ ...report.found[0], rule: 'often', count: 7, credential });
        await route.fulfill({ response: answer, json: report });
    });
    await page.click('form button[type=submit]');
    await page.click('[data-rule=often] [data-do=rows]');
    await page.locator('tbody tr').first().waitFor();
    assert.equal(await page.inputValue('#subject'), credential);
    await page.unroute('**/v1/audit/report?*');
});

await test('who will not use a face is enrolled at the counter, and takes the card away on the phone', async () => {
    const { page } = officer;
    await page.click('[data-desk=counter]');
    await page.fill('#c-name', '王样本');
    await page.fill('#c-number', '110105194912310038');
    for (const box of ['#c-seen', '#c-card', '#c-consent'])
        await page.check(box);
    await officer.look('console-counter');
    const [answer] = await Promise.all([page.waitForResponse('**/v1/counter/enrollments'), page.click('#c-send')]);
    await page.locator('#handover img').waitFor();
    await officer.look('console-handover');
    await officer.lookSmall('console-handover');
    const given = await answer.json();
    const other = await Person.sit(home, { ...SMALL, language: 'en-US', dark: true });
    await other.page.goto(`/card#add=${given.credential_id},${given.id},${given.holder_secret}`);
    await other.page.locator('#code img').waitFor();
    assert.ok(!other.page.url().includes('sidh_'));
    await other.look('card-dark');
    await other.page.goto('/enroll');
    await other.page.locator('#mine:visible').waitFor();
    await other.page.goto('/card');
    for (const [answer, view] of [['no', 'pass'], ['yes', 'none']]) {
        await other.page.click('#erase');
        if (answer === 'yes')
            await other.page.check('#erase-sure');
        await other.page.click(`dialog button[value=${answer}]`);
        await other.page.locator(`[data-view=${view}]:visible`).waitFor();
    }
    assert.equal(await other.page.evaluate(() => localStorage.getItem('smartid.wallet')), null);
    await other.look('erased');
    await other.leave();
});

await test('what cannot be checked in an outage is kept, and checked in one go when the service is back', async () => {
    const { page } = clerk;
    const { code } = await ask('GET', `/v1/credentials/${credential}/code`, { key: world.keys.app });
    const scan = async (text) => {
        await page.locator('#code:visible').waitFor();
        await page.fill('#code', text);
        await page.keyboard.press('Enter');
        await page.locator('.banner.could_not_check').waitFor();
    };
    await page.keyboard.press('Escape');
    clerk.expected = /ERR_FAILED/;
    await page.route('**/v1/verifications', (route) => route.abort());
    await scan(code);
    await clerk.look('scan-keep');
    await clerk.lookSmall('scan-keep');
    await page.keyboard.press('Enter');
    await scan('SID1:NO CODE');
    await page.click('#keep');
    await scan(code);
    await page.click('#keep');
    await page.locator('#kept-count', { hasText: '2' }).waitFor();
    await page.route('**/v1/verifications/batch', (route) => route.abort());
    await page.click('#check-kept');
    await page.locator('#kept-problem:visible').waitFor();
    await clerk.look('scan-kept');
    await clerk.lookSmall('scan-kept');
    await page.unrouteAll();
    clerk.expected = null;
    await page.click('#sign-out');
    await page.locator('dialog button[value=no]').waitFor();
    await clerk.look('scan-kept-signout');
    await page.click('dialog button[value=no]');
    await page.click('#check-kept');
    await page.locator('[data-result=valid]').waitFor();
    assert.deepEqual(await page.locator('[data-result]').evaluateAll((items) => items.map((item) => item.dataset.result)), ['not_valid', 'valid']);
    assert.ok((await page.textContent('[data-result=valid]')).includes(NUMBER));
    await clerk.look('scan-batch');
    await clerk.lookSmall('scan-batch');
    await page.click('#batch-back');
    await page.locator('#kept').waitFor({ state: 'hidden' });
    assert.ok(!(await page.content()).includes(NUMBER), 'no personal data is left');
});

await test('what staff see is clean in the other language, in the dark, on a phone, too', async () => {
    await enrol('Zhao Yangben', '110105194912310054', sample('SeanConnery.jpg'), sample('sean_guru2_crop.jpg'));
    const other = await Person.sit(home, { ...SMALL, language: 'en-US', dark: true });
    const { page } = other;
    await page.goto('/console');
    await other.look('console-signin-dark');
    await signIn(other, '/console', world.keys.officer);
    await page.waitForFunction(() => document.querySelectorAll('.pair img').length === 4 &&
        [...document.querySelectorAll('.pair img')].every((image) => image.naturalWidth > 0));
    await other.look('console-review-dark');
    await page.click('#reject');
    await other.look('console-decide-dark');
    for (const name of ['disputes', 'search', 'counter', 'misuse', 'audit', 'health']) {
        await page.click(`[data-desk=${name}]`);
        await page.locator('#desk form, #desk .empty, #desk .tile').first().waitFor();
        if (name === 'search') {
            await page.fill('#search', NUMBER);
            await page.keyboard.press('Enter');
            await page.locator('.person').first().waitFor();
            await page.locator('[data-do=revoke]').first().click();
        } else if (name === 'misuse') {
            await page.click('form button[type=submit]');
            await page.locator('.found, .empty').first().waitFor();
        }
        await other.look(`console-${name}-dark`);
    }
    await page.click('#sign-out');
    await signIn(other, '/scan', world.keys.clerk);
    await page.locator('#purposes input').first().waitFor();
    await other.look('scan-setup-dark');
    await page.check('input[value=train_ticket]');
    await page.click('#setup button[type=submit]');
    await page.locator('#code:visible').waitFor();
    await other.look('scan-dark');
    await page.fill('#code', (await ask('GET', `/v1/credentials/${credential}/code`, { key: world.keys.app })).code);
    await page.click('#typed button');
    await page.locator('.banner.valid').waitFor();
    await other.look('scan-valid-dark');
    await page.click('#next');
    await page.fill('#code', 'SID1:NO CODE');
    await page.click('#typed button');
    await page.locator('.banner.not_valid').waitFor();
    await other.look('scan-not-valid-dark');
    await other.leave();
});

await test('the service stopped: amber for the clerk, the last code still on the phone', async () => {
    const { page } = clerk;
    await page.keyboard.press('Escape');
    await page.locator('#code:visible').waitFor();
    process.kill(world.pid, 'SIGTERM');
    clerk.expected = /50\d|ERR_|verifications/;
    resident.expected = /50\d|ERR_|credentials/;
    await page.waitForFunction(() => fetch('/healthz').then((answer) => !answer.ok, () => true));
    clerk.wrong.length = 0; /* what the line above has made the browser say */
    await page.keyboard.type('SID1:ANYTHING');
    await page.keyboard.press('Enter');
    await page.locator('.banner.could_not_check').waitFor();
    await clerk.look('scan-could-not-check');
    await resident.page.reload();
    await resident.page.locator('#code img').waitFor();
    await resident.page.locator('#until', { hasText: '没有网络' }).waitFor();
    await resident.look('card-offline');
});

await test('nothing went wrong on any page, and no request left the host', async () => {
    for (const person of [resident, clerk, officer])
        await person.leave();
});

for (const browser of [desk, home, counter])
    await browser?.close();
totals();
