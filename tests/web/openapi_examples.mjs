// openapi_examples.mjs: every example of the document against the real daemon,
// in the order of openapi_story.mjs. Ids, secrets and codes of the document stand
// for those of this run, which are learned from the answers: where an example
// has one, the answer has the real one at the same place. An answer that the
// document does not list fails; so does an operation, an example, a success or
// a problem code that the story leaves out. Prints `ok` or `FAILED` for each step.
import { document, operations, examples, ask, judge, judgeNowhere, keys, misfit,
         multipart, resolve } from './openapi.mjs';
import { FLAW, frame, photo } from './fake_photo.mjs';
import { CODES_ELSEWHERE, ELSEWHERE, JSON_TYPE, clerk, refused,
         story } from './openapi_story.mjs';

const NAME = /^(sid[kh]|[a-z]{3})_[0-9a-z_]{26,}$|^SIDO?1:.{20}/;
const learned = new Map();
const seen = { operations: new Set(), examples: new Set(), good: new Set(),
               codes: new Set() };
let failed = 0;
let turns = [];
let tag; // of the last answer
let session; // the last one: cookie and token

function report(title, found) {
  console.log(`${found.length === 0 ? 'ok' : 'FAILED'} ${title}`);
  for (const one of found) console.log(`    ${one}`);
  failed += found.length === 0 ? 0 : 1;
}

// What an example's names stand for, wherever they are inside of texts.
function real(value) {
  if (typeof value === 'string') {
    // The time of the examples is now, for what must not be long ago.
    let text = value.replace('2026-11-26T08:00:00Z', now());
    // A code may have a $$, which means one $ in a text that replaces.
    for (const [from, to] of learned) text = text.replaceAll(from, () => to);
    return text;
  }
  if (Array.isArray(value)) return value.map(real);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, real(one)]));
}

const now = () => new Date().toISOString().replace(/\.\d+/, '');

function learn(example, answer) {
  if (typeof example === 'string' && NAME.test(example) &&
      typeof answer === 'string') {
    learned.set(example, answer);
  } else if (example !== null && typeof example === 'object' &&
             answer !== null && typeof answer === 'object') {
    for (const name of Object.keys(example)) learn(example[name], answer[name]);
  }
}

// The first of an operation's examples, or the named one.
function pick(node, name, mark) {
  const all = examples(node);
  const chosen = name !== undefined && all.has(name) ? name
    : all.keys().next().value;
  if (chosen !== undefined) seen.examples.add(`${mark} ${chosen}`);
  return all.get(chosen);
}

function targetOf(operation, step) {
  let route = operation.route;
  const query = new URLSearchParams(step.query ?? {});
  for (const one of operation.parameters) {
    const mark = `${operation.operationId} ${one.name}`;
    const set = step.query?.[one.name];
    if (one.in === 'path')
      route = route.replace(`{${one.name}}`, real(
        step.path?.[one.name] ?? pick(one, step[one.name], mark)));
    else if (one.in === 'query' && set !== undefined)
      for (const [name, value] of examples(one))
        if (String(value) === set) seen.examples.add(`${mark} ${name}`);
    if (one.in === 'query' && set === undefined && one.example !== undefined)
      query.set(one.name, pick(one, undefined, mark));
  }
  return query.size > 0 ? `${route}?${query}` : route;
}

// The photo that stands for a file's name.
function file(name, step) {
  const turn = /^frame_(\d)/.exec(name);
  const who = step.who ?? 1;
  if (turn !== null) return frame(who, turns[turn[1] - 1]);
  return photo(who, name === 'selfie.jpg' ? step.flaw ?? FLAW.OK : FLAW.OK);
}

function bodyOf(operation, step) {
  const types = Object.keys(operation.content);
  const type = step.type ?? types[0];
  if (type === undefined || step.empty) return {};
  const media = operation.content[type];
  const example = real(pick(media, step.example,
                            `${operation.operationId} ${type}`));
  const value = step.body === undefined ? example : step.body(example);
  if (type === 'application/json')
    return { headers: { 'Content-Type': type }, body: JSON.stringify(value) };
  const schema = resolve(media.schema);
  const parts = Object.entries(value).map(([name, one]) => {
    if (resolve(schema.properties[name]).format === 'binary')
      return [name, 'image/png', file(one, step)];
    return typeof one === 'string' ? [name, 'text/plain', Buffer.from(one)]
      : [name, 'application/json', Buffer.from(JSON.stringify(one))];
  });
  const [kind, body] = multipart(parts);
  return { headers: { 'Content-Type': kind }, body };
}

// A key, a holder's secret, or the session that was opened last.
function bearer(as, step) {
  if (as === undefined) return {};
  if (as === 'session')
    return { Cookie: session.cookie,
             ...(step.token === false ? {} : { 'X-CSRF-Token': session.token }) };
  const key = as.startsWith('sidh_') ? learned.get(as) ?? as : keys[as];
  return { Authorization: `Bearer ${key}` };
}

// Whether the step's body is one that the document allows.
function judgeRequest(operation, sent) {
  if (sent.headers?.['Content-Type'] !== 'application/json') return [];
  const wrong = misfit(operation.content['application/json'].schema,
                       JSON.parse(sent.body));
  return wrong === '' ? [] : [`the document does not allow it: ${wrong}`];
}

function note(answer) {
  if (answer.status >= 400 && answer.body.length > 0)
    seen.codes.add(JSON.parse(answer.body).code);
}

async function take(step) {
  const [id, as, status] = step.ask;
  const operation = operations.get(id);
  const body = bodyOf(operation, step);
  const answer = await ask({
    method: operation.method, target: targetOf(operation, step),
    headers: { ...bearer(as, step), ...body.headers, ...step.headers,
               ...(step.again ? { 'If-None-Match': tag } : {}) },
    body: body.body, socket: step.socket });
  tag = answer.headers.etag;
  const found = judge(operation, answer);
  if (answer.status !== status)
    found.push(`${answer.status}, not ${status}: ${answer.body}`);
  if (status < 300) found.push(...judgeRequest(operation, body));
  seen.operations.add(id);
  note(answer);
  if (found.length === 0) {
    seen.good.add(`${id} ${status}`);
    takeIn(operation, answer, step);
  }
  const who = (as ?? 'nobody').replace(/^sidh_.*/, 'holder');
  report([id, who, status, step.why].join(' ').trim(), found);
}

function takeIn(operation, answer, step) {
  const kind = (answer.headers['content-type'] ?? '').split(';')[0];
  const media = resolve(operation.responses[answer.status]).content?.[kind];
  if (kind !== 'application/json' || media === undefined) return;
  const value = JSON.parse(answer.body);
  if (value.steps !== undefined) turns = value.steps;
  if (answer.status === 201 && value.csrf_token !== undefined)
    session = { cookie: answer.headers['set-cookie'][0].split(';')[0],
                token: value.csrf_token };
  if (step.forget) return;
  for (const example of examples(media).values()) {
    learn(example, value);
    return; // others are other answers
  }
}

async function takeRefused() {
  for (const [why, id, status, request] of refused) {
    const answer = await ask(request);
    const found = id === null ? judgeNowhere(answer)
      : judge(operations.get(id), answer);
    if (answer.status !== status) found.push(`${answer.status}: ${answer.body}`);
    note(answer);
    report(`refused ${status} ${why}`, found);
  }
}

// A key of its own for what depends on the key.
async function takeLimits() {
  const make = async (more) => JSON.parse((await ask({
    method: 'POST', target: '/v1/clients', body: JSON.stringify(
      { name: 'limited', role: 'clerk', purposes: ['train_ticket'], ...more }),
    headers: { Authorization: `Bearer ${keys.admin}`, ...JSON_TYPE } })).body).key;
  const check = async (key, purpose, status) => {
    const answer = await ask({ method: 'POST', target: '/v1/verifications',
      headers: { ...clerk, Authorization: `Bearer ${key}` },
      body: JSON.stringify({ code: 'SID1:', purpose }) });
    const found = judge(operations.get('verify'), answer);
    if (answer.status !== status) found.push(`${answer.status}: ${answer.body}`);
    note(answer);
    report(`verify with a key of its own ${status}`, found);
  };
  await check(await make({}), 'bank_account', 403);
  const slow = await make({ per_minute: 1 });
  await check(slow, 'train_ticket', 200);
  await check(slow, 'train_ticket', 429);
}

// The key that a clerk types in is there before the story.
learned.set(examples(operations.get('openSession')
  .content['application/json']).get('key').key, keys.clerk);

for (const step of story) await take(step);
await takeRefused();
await takeLimits();

const missing = [];
for (const [id, operation] of operations) {
  if (!seen.operations.has(id)) missing.push(id);
  for (const status of Object.keys(operation.responses))
    if (status < 400 && !seen.good.has(`${id} ${status}`) &&
        !ELSEWHERE.has(`${id} ${status}`))
      missing.push(`${id} ${status}`);
  for (const [type, media] of Object.entries(operation.content))
    for (const name of examples(media).keys())
      if (!seen.examples.has(`${id} ${type} ${name}`))
        missing.push(`${id}, example ${name}`);
  for (const one of operation.parameters)
    if (one.in !== 'header')
      for (const name of examples(one).keys())
        if (!seen.examples.has(`${id} ${one.name} ${name}`))
          missing.push(`${id}, example ${name} of ${one.name}`);
}
const { Problem } = document.components.schemas;
for (const code of Problem.properties.code.enum)
  if (seen.codes.has(code) === CODES_ELSEWHERE.has(code)) missing.push(code);
report(`nothing is left out of ${document.info.title}`, missing);
process.exit(failed === 0 ? 0 : 1);
