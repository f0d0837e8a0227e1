// test_modules.mjs: what of the pages needs no browser: the texts, the form of an
// ID number, the pose of a head, the QR symbol, the list of the service worker.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test, totals } from './tests.mjs';

const WEB = new URL('../../src/web/', import.meta.url).pathname;
const module = (name) => import(join(WEB, 'js', `${name}.js`));
const read = (name) => readFileSync(join(WEB, name), 'utf8');
const scripts = readdirSync(join(WEB, 'js')).filter((name) => name.endsWith('.js'));
const pages = ['enroll.html', 'card.html', 'scan.html', 'console.html'];
const text = async (name) => (await module(`text/${name}`)).default;
const resident = { en: await text('en'), zh: await text('zh-CN') };
const staff = { en: await text('en.staff'), zh: await text('zh-CN.staff') };
const texts = { en: { ...resident.en, ...staff.en }, zh: { ...resident.zh, ...staff.zh } };
const words = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort();

await test('both languages have the same keys, with the same blanks to fill in', () => {
    assert.deepEqual(Object.keys(resident.en), Object.keys(resident.zh));
    assert.deepEqual(Object.keys(staff.en), Object.keys(staff.zh));
    for (const key of Object.keys(texts.en)) {
        assert.deepEqual(words(texts.en[key]), words(texts.zh[key]), key);
        assert.notEqual(texts.zh[key].trim(), '', key);
    }
});

await test('every text that a page names exists', () => {
    const named = pages.flatMap((page) => [...read(page).matchAll(/data-(?:t|t-label|title)="([^"]+)"/g)]);
    const called = scripts.flatMap((name) => [...read(`js/${name}`).matchAll(/\bt\('([\w.]+)'/g)]);
    for (const [, key] of [...named, ...called])
        assert.ok(key in texts.en, key);
});

await test('no text that a resident’s page names is only in the part for staff', () => {
    for (const name of [...loaded('enroll.html'), ...loaded('card.html')])
        for (const [, key] of read(name).matchAll(/(?:\bt\(|data-t(?:-label)?=)['"]([\w.]+)['"]/g))
            assert.ok(key in resident.en, `${name}: ${key}`);
});

await test('every reason of the daemon has words of its own', () => {
    const header = readFileSync(join(WEB, '../../include/smartid/enrolment.h'), 'utf8');
    const codes = [...header.matchAll(/X\(SID_REASON_\w+, "(\w+)"/g)].map((found) => found[1]);
    assert.ok(codes.length > 20);
    for (const code of codes)
        assert.ok(`reason.${code}` in texts.zh, code);
});

await test('an ID number is judged while it is typed', async () => {
    const { judgeNumber } = await module('idnumber');
    const cases = { '': 'empty', 440524188001010014: 'good', '11010519491231002x': 'good',
        '４４０５２４１８８００１０１００１４': 'good', '4405241880010100': 'short', 440524188001010013: 'check',
        440524188013010014: 'date', '44052418800230001': 'date', '4405X': 'letters', abc: 'letters',
        '4405241880010100145': 'long' };
    for (const [number, verdict] of Object.entries(cases))
        assert.equal(judgeNumber(number), verdict, number);
    /* The check character by ISO 7064's recursive method, which needs no weights. */
    for (let i = 0; i < 1000; i += 7) {
        const head = `11010519491231${String(i).padStart(3, '0')}`;
        const rest = [...head].reduce((sum, digit) => ((sum + Number(digit)) * 2) % 11, 0);
        const right = '0123456789X'[(12 - rest) % 11];
        for (const last of '0123456789X')
            assert.equal(judgeNumber(head + last), last === right ? 'good' : 'check', head + last);
    }
});

await test('a turned head is seen on the side of the person, in a picture that is not mirrored', async () => {
    const { poseOf, hasTurned } = await module('head');
    const face = (x, y) => poseOf({ landmarks: [
        { type: 'eye', locations: [{ x: 40, y: 50 }] }, { type: 'eye', locations: [{ x: 80, y: 50 }] },
        { type: 'nose', locations: [{ x, y }] }] });
    const straight = face(60, 75);
    assert.ok(hasTurned(face(75, 75), straight, 'left'));
    assert.ok(!hasTurned(face(75, 75), straight, 'right'));
    assert.ok(hasTurned(face(45, 75), straight, 'right'));
    assert.ok(hasTurned(face(60, 65), straight, 'up'));
    assert.ok(hasTurned(face(60, 85), straight, 'down'));
    assert.ok(!hasTurned(straight, straight, 'left'));
    assert.equal(poseOf({ landmarks: [] }), null);
});

await test('a flat picture is blurred, a sharp one is not', async () => {
    const { laplacianVariance } = await module('quality');
    const picture = (value) => ({ width: 32, height: 32, pixels: Float32Array.from({ length: 1024 }, (_, i) => value(i)) });
    assert.equal(laplacianVariance(picture(() => 90)), 0);
    /* Stripes: 2 x 200 up or down everywhere, as often the one as the other. */
    assert.equal(laplacianVariance(picture((i) => (i % 2) * 200)), 160000);
});

await test('a rejection names the photo that is to be taken anew, and no other', async () => {
    const { wrongParts } = await module('outcome');
    assert.deepEqual([...wrongParts([{ code: 'too_dark', photo: 'id_photo' }])], ['card']);
    assert.deepEqual([...wrongParts([{ code: 'not_turned', photo: 'frame_2' }])], ['turns']);
    assert.deepEqual([...wrongParts([{ code: 'faces_differ' }])], ['selfie']);
    assert.equal(wrongParts([{ code: 'officer_decision' }]).size, 0);
});

await test('a reader that is not ours reads what the counter hands to a phone', async () => {
    const { qrModules } = await module('qr_draw');
    const folder = mkdtempSync(join(tmpdir(), 'sid-qr-'));
    for (const length of [12, 60, 180, 260]) {
        const text = `https://smartid.example/card#add=${'crd_aB3,'.repeat(40)}`.slice(0, length);
        const rows = qrModules(text);
        const side = (rows.length + 8) * 4;
        const pixels = Buffer.alloc(side * side, 255);
        rows.forEach((row, y) => row.forEach((dark, x) => {
            for (let k = 0; dark && k < 16; k++)
                pixels[((y + 4) * 4 + (k >> 2)) * side + (x + 4) * 4 + (k & 3)] = 0;
        }));
        const file = join(folder, 'code.pgm');
        writeFileSync(file, Buffer.concat([Buffer.from(`P5\n${side} ${side}\n255\n`), pixels]));
        const said = execFileSync('ZXingReader', ['-format', 'QRCode', file], { encoding: 'utf8' });
        assert.ok(said.includes(`"${text}"`), `${length}: ${said}`);
    }
    assert.equal(qrModules('x'.repeat(300)), null);
    rmSync(folder, { recursive: true });
});

/* What a page loads, following its imports. */
function loaded(page) {
    const html = read(page);
    const out = new Set([page, ...[...html.matchAll(/href="\/web\/(css\/[^"]+)"/g)].map((found) => found[1])]);
    const follow = (name) => {
        if (out.has(name))
            return;
        out.add(name);
        for (const [, path] of read(name).matchAll(/from '\.\/([^']+)'/g))
            follow(`js/${path}`);
    };
    [...html.matchAll(/src="\/web\/(js\/[^"]+)"/g)].forEach((found) => follow(found[1]));
    return out;
}

await test('a resident loads less than 100 KB, and less than 40 of it over the wire', () => {
    for (const page of ['enroll.html', 'card.html']) {
        const files = [...loaded(page), 'js/text/zh-CN.js'];
        const plain = files.reduce((sum, name) => sum + statSync(join(WEB, name)).size, 0);
        const sent = files.reduce((sum, name) => sum + gzipSync(read(name), { level: 9 }).length, 0);
        assert.ok(plain < 100000, `${page}: ${plain}`);
        assert.ok(sent < 40000, `${page}: ${sent}`);
    }
});

await test('the service worker keeps all that the resident’s pages load, and nothing else', () => {
    const [, names] = /'(api', 'appeal.*?)\]\.map/s.exec(read('sw.js').replace(/\s+/g, ' '));
    const listed = new Set(names.split(',').map((name) => `js/${name.replace(/['\s]/g, '')}.js`));
    const needed = new Set(['enroll.html', 'card.html'].flatMap((page) => [...loaded(page)]).filter((name) => name.startsWith('js/')));
    for (const name of ['js/text/en.js', 'js/text/zh-CN.js'])
        needed.add(name);
    assert.deepEqual([...listed].sort(), [...needed].sort());
});

await test('no page has a script or a style of its own, or anything from elsewhere', () => {
    for (const page of pages) {
        const html = read(page);
        assert.ok(!/<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/.test(html), page);
        assert.ok(!/(?:src|href)="(?!\/|#)/.test(html), page);
    }
});

totals();
