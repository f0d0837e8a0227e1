// browser.mjs: Chromium with fake cameras, and what is watched on every page: no
// error on the console, no request that leaves the host, no overflow, axe-core.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export const world = JSON.parse(process.env.WORLD);
const require = createRequire(join(process.env.WEB_MODULES, 'node_modules/'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/* What the browser says of an answer that is no success, whoever expects it. */
const ANSWERED = /Failed to load resource: the server responded with a status of/;

let number = 0;

/* A browser whose camera shows a file of JPEGs, or Chromium's own test picture. */
export function launch(film) {
    return chromium.launch({ executablePath: world.chromium, args: [
        ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
        '--ignore-certificate-errors', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
        ...(film === undefined ? [] : [`--use-file-for-fake-video-capture=${film}`])] });
}

/* A photograph of a screen, as a film for a camera. */
export function film(name, jpeg) {
    const path = join(world.folder, `${name}.mjpeg`);
    writeFileSync(path, Buffer.concat(new Array(8).fill(jpeg)));
    return path;
}

/* Somebody's phone or desk: a page of its own, and what went wrong on it. */
export class Person {
    static async sit(browser, { language = 'zh-CN', width = 360, height = 740, dark = false, touch = width < 500,
        origin = world.origin, userAgent, elsewhere } = {}) {
        const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: language, viewport: { width, height },
            colorScheme: dark ? 'dark' : 'light', hasTouch: touch, baseURL: origin, userAgent });
        context.setDefaultTimeout(30000); // a machine may be slow
        const person = new Person();
        person.context = context;
        person.page = await context.newPage();
        person.wrong = [];
        person.expected = null;
        person.watch(origin, elsewhere);
        return person;
    }

    /* elsewhere: the one place that a request may go to beside. */
    watch(origin, elsewhere) {
        const { page, wrong } = this;
        page.on('console', (message) => {
            const text = message.text();
            const answered = ANSWERED.test(text) || /net::ERR_/.test(text);
            if (['error', 'warning'].includes(message.type()) && !(answered && this.expected?.test(`${text} ${message.location().url}`)))
                wrong.push(`console: ${text} ${message.location().url}`);
        });
        page.on('pageerror', (error) => wrong.push(`error: ${error.stack}`));
        this.context.on('request', (request) => {
            const url = new URL(request.url());
            if (!['blob:', 'data:'].includes(url.protocol) && ![origin, elsewhere].includes(url.origin))
                wrong.push(`a request that leaves: ${request.url()}`);
        });
    }

    /* A picture of the whole page; and what can be judged of it. */
    async look(name, { judge = true } = {}) {
        const { page } = this;
        number += 1;
        await page.screenshot({ path: join(world.shots, `${String(number).padStart(2, '0')}-${name}.png`), fullPage: true });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(wide <= 0, `${name}: ${wide} px too wide`);
        const cramped = await page.locator('.top .name').evaluateAll((names) => names.some((title) => title.scrollWidth > title.clientWidth));
        assert.ok(!cramped, `${name}: the title runs into the buttons`);
        if (judge)
            await this.judge(name);
    }

    /* The same on a phone. */
    async lookSmall(name) {
        const size = this.page.viewportSize();
        await this.page.setViewportSize({ width: 360, height: 740 });
        await this.look(`${name}-small`, { judge: false });
        await this.page.setViewportSize(size);
    }

    async judge(name) {
        const { page } = this;
        if (await page.evaluate(() => window.axe === undefined))
            await page.evaluate(axe);
        const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags, resultTypes: ['violations'] }), RULES);
        assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`), [], name);
    }

    /* Leaves; nothing may have gone wrong that was not expected. */
    async leave() {
        await this.context.close();
        assert.deepEqual(this.wrong, []);
    }
}

/* A request outside of any page. */
export async function ask(method, path, { key, json, form, headers = {} } = {}) {
    const answer = await fetch(world.daemon + path, { method,
        headers: { Authorization: `Bearer ${key}`, ...(json === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
        body: json === undefined ? form : JSON.stringify(json) });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
}

/* An enrolment by the app, decided as far as machines can. */
export async function enrol(name, number, card, selfie) {
    const form = new FormData();
    form.append('holder', new Blob([JSON.stringify({ name, id_number: number,
        consent: { version: '2026-11', given_at: '2026-01-05T08:00:00Z' } })], { type: 'application/json' }));
    form.append('id_photo', new Blob([readFileSync(card)], { type: 'image/jpeg' }), 'card.jpg');
    form.append('selfie', new Blob([readFileSync(selfie)], { type: 'image/jpeg' }), 'selfie.jpg');
    return ask('POST', '/v1/enrollments', { key: world.keys.app, form, headers: { Prefer: 'wait=30' } });
}

export const sample = (name) => join(world.photos, name);
