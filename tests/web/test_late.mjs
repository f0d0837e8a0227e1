// test_late.mjs: answers and cameras that come when nobody waits for them any more:
// none of them changes what is shown by then.
import assert from 'node:assert/strict';
import { launch, Person, world } from './browser.mjs';
import { photo } from './fake_photo.mjs';
import { test, totals } from './tests.mjs';

const DESK = { language: 'en-US', width: 1280, height: 800, origin: world.fake };
const browser = await launch();

/* Holds back what goes to a path until it is let go; answers with what was made. */
async function hold(page, path, answer) {
    let release;
    const gate = new Promise((resolve) => {
        release = resolve;
    });
    let reached;
    const asked = new Promise((resolve) => {
        reached = resolve;
    });
    await page.route(path, async (route) => {
        reached();
        await gate;
        await route.fulfill({ json: answer });
    });
    return { asked, release };
}

async function clerkAt(path) {
    const person = await Person.sit(browser, DESK);
    await person.page.goto(path);
    await person.page.locator('#key').waitFor();
    return person;
}

const valid = (name) => ({ result: 'valid', id: 'ver_a', holder: { name }, assurance: 'day_code',
    credential: { assurance: 'remote' } });

await test('a face check that is answered late says nothing about the next person', async () => {
    const clerk = await clerkAt('/scan');
    const { page } = clerk;
    const { asked, release } = await hold(page, '**/v1/verifications/*/face', { result: 'match' });
    await page.evaluate(async (first) => {
        const { Verdict } = await import('/web/js/verdict.js');
        const root = document.body.appendChild(document.createElement('div'));
        window.verdict = new Verdict(root, { headers: () => ({}) }, { next() {} });
        window.verdict.show(first);
    }, valid('First Person'));
    await page.click('#face-check');
    await page.setInputFiles('[data-photo=face]', { name: 'face.png', mimeType: 'image/png', buffer: photo(3) });
    await page.click('[data-do=use]:visible');
    await asked;
    await page.evaluate((second) => {
        window.verdict.clear();
        window.verdict.show(second);
    }, valid('Second Person'));
    const told = page.waitForResponse('**/v1/verifications/*/face');
    release();
    await (await told).finished();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    assert.equal(await page.locator('#face [role=status]').textContent(), '');
    await clerk.leave();
});

await test('a face that matched can be checked once more, and is not asked for again', async () => {
    const clerk = await clerkAt('/scan');
    const { page } = clerk;
    const paths = [];
    await page.route('**/v1/verifications/*/face', (route) => {
        paths.push(new URL(route.request().url()).pathname);
        return route.fulfill({ json: { result: 'match' } });
    });
    await page.evaluate(async (first) => {
        const { Verdict } = await import('/web/js/verdict.js');
        const root = document.body.appendChild(document.createElement('div'));
        new Verdict(root, { headers: () => ({}) }, { next() {} }).show(first);
    }, { ...valid('First Person'), face_required: true });
    for (let i = 0; i < 2; i++) {
        await page.click('#face-check');
        await page.setInputFiles('[data-photo=face]', { name: 'face.png', mimeType: 'image/png', buffer: photo(3) });
        await page.click('[data-do=use]:visible');
        await page.locator('#face .notice.good').waitFor();
        assert.ok(!await page.locator('#face-check').evaluate((button) => button.classList.contains('main')));
    }
    assert.deepEqual(paths, ['/v1/verifications/ver_a/face', '/v1/verifications/ver_a/face']);
    await clerk.leave();
});

await test('a case that is answered late is not shown in the place of the one that was chosen since', async () => {
    const officer = await clerkAt('/console');
    const { page } = officer;
    const made = (id, name) => ({ id, state: 'review', created_at: '2026-01-05T08:00:00Z', holder: { name }, photos: [], reasons: [],
        earlier: [], method: 'face' });
    await page.route('**/v1/enrollments?*', (route) => route.fulfill({ json: { enrollments: [made('enr_a', 'A'), made('enr_b', 'B')] } }));
    await page.route('**/v1/credentials/search', (route) => route.fulfill({ json: { credentials: [] } }));
    const { asked, release } = await hold(page, '**/v1/enrollments/enr_a', made('enr_a', 'Late Person'));
    await page.route('**/v1/enrollments/enr_b', (route) => route.fulfill({ json: made('enr_b', 'Chosen Person') }));
    await page.evaluate(async () => {
        const { openReview } = await import('/web/js/review.js');
        const { startLanguage } = await import('/web/js/i18n.js');
        await startLanguage({ staff: true });
        document.body.replaceChildren(document.createElement('div'));
        openReview(document.body.firstChild, { session: { headers: () => ({}) }, note() {}, failed() {} });
    });
    await asked;
    await page.locator('[data-id=enr_b]').click();
    await page.locator('h2', { hasText: 'Chosen Person' }).waitFor();
    const told = page.waitForResponse('**/v1/enrollments/enr_a');
    release();
    await (await told).finished();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    assert.equal(await page.locator('h2', { hasText: 'Late Person' }).count(), 0);
    assert.equal(await page.locator('h2', { hasText: 'Chosen Person' }).count(), 1);
    await officer.leave();
});

await test('a camera that opens after its view was left is closed again', async () => {
    const person = await clerkAt('/scan');
    const left = await person.page.evaluate(async () => {
        const canvas = document.createElement('canvas');
        const paper = canvas.getContext('2d');
        setInterval(() => paper.fillRect(0, 0, 9, 9), 40);
        let opened = null;
        navigator.mediaDevices.getUserMedia = () => new Promise((resolve) => {
            opened = () => resolve(canvas.captureStream(5));
        });
        const { Capture } = await import('/web/js/capture.js');
        const { Scanner } = await import('/web/js/scanner.js');
        const { Turns } = await import('/web/js/turns.js');
        const root = document.createElement('div');
        const uses = { capture: new Capture(root, 'face', () => {}), scanner: new Scanner(document.createElement('video'), () => {}),
            turns: new Turns(root) };
        const out = {};
        for (const [name, use] of Object.entries(uses)) {
            const begun = name === 'turns' ? use.open() : use.start(async () => null);
            use.stop();
            const stream = await new Promise((resolve) => {
                const real = canvas.captureStream.bind(canvas);
                canvas.captureStream = (rate) => {
                    canvas.captureStream = real;
                    const made = real(rate);
                    resolve(made);
                    return made;
                };
                opened();
            });
            await begun;
            out[name] = stream.getTracks().map((track) => track.readyState);
        }
        return out;
    });
    assert.deepEqual(left, { capture: ['ended'], scanner: ['ended'], turns: ['ended'] });
    await person.leave();
});

/* A clerk who has signed in and chosen. */
async function atTheCounter() {
    const clerk = await clerkAt('/scan');
    const { page } = clerk;
    await page.fill('#key', world.fakeKeys.clerk);
    await page.keyboard.press('Enter');
    await page.locator('[name=purpose]').first().check();
    await page.fill('#counter', 'C1');
    await page.click('#setup button[type=submit]');
    await page.locator('#code:visible').waitFor();
    return clerk;
}

async function type(page, code) {
    await page.fill('#code', code);
    await page.locator('#code').press('Enter');
}

await test('a check that is answered after signing out shows nobody', async () => {
    const clerk = await atTheCounter();
    const { page } = clerk;
    const { asked, release } = await hold(page, '**/v1/verifications', valid('Someone Else'));
    await type(page, 'SID1:ANY');
    await asked;
    await page.click('#sign-out');
    await page.locator('#key:visible').waitFor();
    const told = page.waitForResponse('**/v1/verifications');
    release();
    await (await told).finished();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    assert.ok(await page.locator('#key').isVisible());
    assert.ok(!(await page.content()).includes('Someone Else'));
    await clerk.leave();
});

await test('while kept codes are checked no other is, so that no answer is covered by another', async () => {
    const clerk = await atTheCounter();
    const { page } = clerk;
    clerk.expected = /ERR_FAILED/;
    await page.route('**/v1/verifications', (route) => route.abort());
    await type(page, 'SID1:KEPT');
    await page.click('#keep');
    await page.unrouteAll();
    let alone = 0;
    await page.route('**/v1/verifications', (route) => {
        alone += 1;
        return route.fulfill({ json: valid('Someone Else') });
    });
    const { asked, release } = await hold(page, '**/v1/verifications/batch', { results: [{ result: 'not_valid', reason: 'not_valid' }] });
    await page.click('#check-kept');
    await asked;
    await type(page, 'SID1:ANOTHER');
    release();
    await page.locator('[data-result=not_valid]').waitFor();
    assert.equal(alone, 0);
    await page.click('#batch-back');
    await type(page, 'SID1:ANOTHER');
    await page.locator('.banner.valid').waitFor();
    await clerk.leave();
});

await browser.close();
totals();
