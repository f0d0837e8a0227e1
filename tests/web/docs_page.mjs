// docs_page.mjs: the page /docs in a browser: narrow and dark, wide and light:
// axe-core finds nothing in one part of each kind (of the whole it would take a
// minute), nothing is wider than the screen, the console is
// silent, no request leaves the host, and each link inside of the page leads
// somewhere. Environment: as openapi.mjs has it.
import { load } from './openapi.mjs';

const { chromium } = load('playwright-core');
const axe = load('axe-core').source;
const origin = `http://127.0.0.1:${process.env.API_PORT}`;
const found = [];

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: process.getuid() === 0 ? ['--no-sandbox'] : [] });

async function look(width, colorScheme) {
  const context = await browser.newContext({
    viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const where = `${width} px, ${colorScheme}`;
  page.on('console', (line) => found.push(`${where}: console: ${line.text()}`));
  page.on('pageerror', (error) => found.push(`${where}: ${error}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`))
      found.push(`${where}: asks ${request.url()}`);
  });
  page.on('response', (response) => {
    if (response.status() !== 200)
      found.push(`${where}: ${response.status()} ${response.url()}`);
  });
  await page.goto(`${origin}/docs`);
  const { wide, dead } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth > window.innerWidth,
    dead: [...document.querySelectorAll('a[href^="#"]')].filter(
      (link) => document.getElementById(link.hash.slice(1)) === null).map(
      (link) => link.hash) }));
  if (wide) found.push(`${where}: wider than the screen`);
  found.push(...dead.map((hash) => `${where}: no ${hash}`));
  await page.evaluate(axe);
  const report = await page.evaluate(() => window.axe.run({ include: [
    'header', 'nav', '#enrol', '#verify', '#schema-Credential'] }, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',
              'best-practice'] }));
  for (const one of report.violations)
    found.push(`${where}: ${one.id}: ${one.help}: ${one.nodes[0].html}`);
  await context.close();
}

try {
  await look(360, 'dark');
  await look(1280, 'light');
} finally {
  await browser.close();
}
for (const one of found) console.log(one);
process.exit(found.length === 0 ? 0 : 1);
