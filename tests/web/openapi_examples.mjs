// openapi_examples.mjs: every example of the document against the real daemon,
// in an order that tells one story. Ids, secrets and codes of the document stand
// for those of this run, which are learned from the answers: where an example
// has one, the answer has the real one at the same place. An answer that the
// document does not list fails; so does an operation, an example, a success or
// a problem code that the story leaves out. Prints `ok` or `FAILED` for each step.
import { document, operations, examples, ask, judge, judgeNowhere, keys, misfit,
         multipart, resolve } from './openapi.mjs';
import { FLAW, frame, photo } from './fake_photo.mjs';

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
    for (const [from, to] of learned) text = text.replaceAll(from, to);
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
  const value = step.body?.() ?? real(pick(media, step.example,
                                       `${operation.operationId} ${type}`));
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

// Names of the document's story.
const named = (operation, status, ...path) =>
  path.reduce((at, name) => at[name], [...examples(resolve(
    operations.get(operation).responses[status])
    .content['application/json']).values()][0]);
const HOLDER = named('enrol', 201, 'holder_secret');
const RECOVERED = named('recover', 200, 'holder_secret');
const REJECTED = named('enrol', 200, 'holder_secret');
const COUNTER = named('enrolAtCounter', 201, 'holder_secret');
const COUNTER_ID = { id: named('enrolAtCounter', 201, 'credential_id') };
const REVIEWED_ID = { id: named('decide', 200, 'credential_id') };
const WAIT = { Prefer: 'wait=30' };
const key = (n) => ({ 'Idempotency-Key': `"story-${n}"` });

const exampleOf = (id) => real(pick(
  operations.get(id).content['application/json'], undefined, ''));

// The key that a clerk types in is there before the story.
learned.set(examples(operations.get('openSession')
  .content['application/json']).get('key').key, keys.clerk);

const story = [
  { ask: ['getVersion', undefined, 200] },
  { ask: ['getHealth', undefined, 200] },
  { ask: ['getReadiness', undefined, 200] },
  { ask: ['getMetrics', undefined, 200] },
  { ask: ['getOfflineKeys', undefined, 200] },
  // The pages.
  ...['getEnrolPage', 'getCardPage', 'getScanPage', 'getConsolePage',
      'getDocsPage', 'getDocument', 'getWorker', 'getManifest', 'getRobots',
      'getFile'].flatMap((id) => [
    { ask: [id, undefined, 200] }, { ask: [id, undefined, 304], again: true }]),
  { ask: ['getDocument', undefined, 200], headers: { 'Accept-Encoding': 'gzip' },
    forget: true },
  { ask: ['getRoot', undefined, 303] },
  // Somebody enrols.
  { ask: ['makeChallenge', 'app', 201], example: 'three' },
  { ask: ['makeChallenge', 'app', 201], example: 'two' },
  { ask: ['enrol', 'app', 201], example: 'withChallenge',
    headers: { ...WAIT, ...key(1) } },
  { ask: ['getEnrolment', HOLDER, 200], headers: WAIT },
  { ask: ['getEnrolment', 'officer', 200] },
  { ask: ['getEnrolment', 'clerk', 403] },
  { ask: ['getEnrolment', undefined, 401] },
  { ask: ['enrol', 'app', 422], example: 'plain', headers: key(1),
    why: 'the same key, other content' },
  // Others, who are not approved at once.
  { ask: ['enrol', 'app', 200], example: 'plain', who: 2, flaw: FLAW.BLURRED,
    headers: WAIT, why: 'a blurred selfie' },
  { ask: ['enrol', 'app', 202], example: 'plain', who: 2, flaw: FLAW.BLURRED },
  { ask: ['appeal', REJECTED, 202], who: 2 },
  { ask: ['appeal', REJECTED, 409], who: 2, why: 'once' },
  { ask: ['enrol', 'app', 200], example: 'plain', who: 3, flaw: FLAW.BLURRED,
    headers: WAIT },
  { ask: ['appeal', REJECTED, 200], who: 3, headers: WAIT },
  { ask: ['enrol', 'app', 200], example: 'plain', who: 4, flaw: FLAW.UNCLEAR,
    headers: WAIT },
  // The officer's desk, where some wait by now. The first one is decided.
  { ask: ['listEnrolments', 'officer', 200] },
  { ask: ['listEnrolments', 'officer', 422], query: { state: 'asleep' } },
  { ask: ['getPhoto', 'officer', 200], photo: 'card' },
  { ask: ['getPhoto', 'officer', 200], photo: 'selfie' },
  { ask: ['decide', 'officer', 200] },
  { ask: ['decide', 'officer', 409], why: 'decided already' },
  // The credential and its codes.
  { ask: ['getCredential', HOLDER, 200] },
  { ask: ['getCredential', 'officer', 200] },
  { ask: ['findCredentials', 'officer', 200], example: 'number' },
  { ask: ['findCredentials', 'officer', 200], example: 'credential' },
  { ask: ['getCode', HOLDER, 200], query: { kind: 'live' }, forget: true },
  { ask: ['getCode', HOLDER, 200], forget: true,
    query: { kind: 'offline', attributes: 'identity' } },
  { ask: ['getCode', HOLDER, 422], query: { kind: 'offline' } },
  { ask: ['getCode', HOLDER, 200], query: { kind: 'day' } },
  { ask: ['getCode', HOLDER, 200], headers: { Accept: 'image/png' },
    query: { scale: '8', level: 'M' } },
  { ask: ['getCode', HOLDER, 200], headers: { Accept: 'image/svg+xml' } },
  { ask: ['getCode', HOLDER, 406], headers: { Accept: 'text/html' } },
  // A clerk signs in on a page, and works there.
  { ask: ['openSession', undefined, 201], example: 'page' },
  { ask: ['makeChallenge', 'session', 201], forget: true, why: 'to enrol' },
  { ask: ['verify', 'session', 403], example: 'notValid', forget: true },
  { ask: ['openSession', undefined, 201], example: 'key' },
  { ask: ['getSession', 'session', 200] },
  { ask: ['getSession', undefined, 401] },
  { ask: ['verify', 'session', 200], example: 'notValid', forget: true },
  { ask: ['verify', 'session', 403], example: 'notValid', token: false,
    why: 'no token' },
  { ask: ['verify', 'session', 403], example: 'notValid',
    headers: { Origin: 'https://elsewhere.example' }, why: "another's page" },
  { ask: ['closeSession', 'session', 204] },
  { ask: ['verify', 'session', 401], example: 'notValid' },
  // And with the key, in a program.
  { ask: ['verify', 'clerk', 200], example: 'notValid', forget: true },
  { ask: ['verifyBatch', 'clerk', 200] },
  { ask: ['verify', 'clerk', 200], example: 'valid' },
  { ask: ['verify', 'app', 403], example: 'valid' },
  { ask: ['getPortrait', 'clerk', 200] },
  { ask: ['compareFace', 'clerk', 200] },
  { ask: ['compareFace', 'clerk', 200], who: 9, why: 'somebody else' },
  { ask: ['compareFace', 'clerk', 200], who: 9 },
  { ask: ['compareFace', 'clerk', 409], who: 9, why: 'three photos' },
  { ask: ['listChecks', HOLDER, 200], query: { limit: '20' } },
  { ask: ['disputeCheck', HOLDER, 201] },
  { ask: ['disputeCheck', HOLDER, 409], why: 'once' },
  { ask: ['listDisputes', 'officer', 200] },
  { ask: ['settleDispute', 'officer', 200] },
  { ask: ['settleDispute', 'officer', 409], why: 'once' },
  // Its life.
  { ask: ['issueLicence', 'app', 201] },
  { ask: ['issueLicence', 'app', 422], why: 'a member that is none',
    body: () => ({ ...exampleOf('issueLicence'), licence: 'C1' }) },
  { ask: ['upgrade', 'officer', 200] },
  { ask: ['upgrade', 'officer', 409], why: 'it is' },
  { ask: ['suspend', HOLDER, 200] },
  { ask: ['getCode', HOLDER, 409], why: 'suspended' },
  { ask: ['resume', HOLDER, 200], empty: true },
  { ask: ['resume', HOLDER, 409], why: 'active' },
  { ask: ['recover', 'app', 200], who: 8, forget: true, why: 'somebody else' },
  { ask: ['recoverByNumber', 'app', 200], who: 8, forget: true,
    why: 'somebody else' },
  { ask: ['recoverByNumber', 'app', 200] },
  { ask: ['recover', 'app', 200] },
  { ask: ['getCredential', HOLDER, 404], why: 'the old phone' },
  { ask: ['recover', 'officer', 200], type: 'application/json' },
  { ask: ['revoke', RECOVERED, 200] },
  { ask: ['revoke', RECOVERED, 409], why: 'over' },
  { ask: ['erase', RECOVERED, 204] },
  { ask: ['getEnrolment', RECOVERED, 404], why: 'erased' },
  // A counter, without a face.
  { ask: ['enrolAtCounter', 'officer', 201] },
  { ask: ['enrolAtCounter', 'officer', 200], why: 'the number is in use' },
  { ask: ['getCode', COUNTER, 200], path: COUNTER_ID },
  { ask: ['verify', 'clerk', 200], example: 'valid' },
  { ask: ['compareFace', 'clerk', 409], why: 'no face is kept' },
  { ask: ['enrolAtCounter', 'officer', 201], why: 'in place of it', forget: true,
    body: () => ({ ...exampleOf('enrolAtCounter'), replace: true }) },
  { ask: ['getCode', COUNTER, 409], path: COUNTER_ID, why: 'replaced' },
  ...[200, 200, 200, 409].map((status) => (
    { ask: ['recover', 'app', status], who: 8, path: REVIEWED_ID, forget: true,
      why: 'somebody else, three times' })),
  // Administration.
  { ask: ['addClient', 'admin', 201] },
  { ask: ['listClients', 'admin', 200], forget: true },
  { ask: ['revokeClient', 'admin', 200] },
  { ask: ['revokeClient', 'admin', 409], why: 'it is' },
  { ask: ['listKeys', 'admin', 200] },
  { ask: ['rotateKey', 'admin', 200] },
  { ask: ['changeMasterKey', 'admin', 403] },
  { ask: ['changeMasterKey', undefined, 404], socket: true,
    why: 'no file of a next key' },
  ...[[422, 'readable', 'for all'], [422, 'empty', 'no key'],
      [200, 'good', '']].map(([status, name, why]) => (
    { ask: ['changeMasterKey', undefined, status], socket: true, why,
      body: () => ({ new_key_file: `${process.env.API_NEXT_KEYS}/${name}` }) })),
  { ask: ['getRetention', 'admin', 200] },
  { ask: ['getOverview', 'officer', 200] },
  { ask: ['listAudit', 'admin', 200], forget: true },
  { ask: ['listAudit', 'officer', 403], why: 'nobody is named' },
  { ask: ['archiveAudit', 'admin', 403] },
  { ask: ['archiveAudit', undefined, 409], socket: true,
    why: 'no such rows' },
  { ask: ['getWebhook', 'admin', 200] },
  { ask: ['replayWebhook', 'admin', 404], why: 'nothing was refused' },
];

// What is refused wherever it is asked.
const JSON_TYPE = { 'Content-Type': 'application/json' };
const clerk = { Authorization: `Bearer ${keys.clerk}`, ...JSON_TYPE };
const refused = [
  ['a path that is none', null, 404, { method: 'GET', target: '/v1/nothing' }],
  ['another method', null, 405, { method: 'PUT', target: '/v1/keys' }],
  ['a query', 'getVersion', 400, { method: 'GET', target: '/version?x=1' }],
  ['no JSON', 'verify', 400,
   { method: 'POST', target: '/v1/verifications', headers: clerk, body: '{' }],
  ['no length', 'verify', 411,
   { method: 'POST', target: '/v1/verifications',
     headers: { ...clerk, 'Transfer-Encoding': 'chunked' } }],
  ['a large body', 'verify', 413,
   { method: 'POST', target: '/v1/verifications', headers: clerk,
     body: ' '.repeat(17000) }],
  ['no type', 'verify', 415,
   { method: 'POST', target: '/v1/verifications', body: '{}',
     headers: { Authorization: clerk.Authorization } }],
  ['long headers', 'getVersion', 431,
   { method: 'GET', target: '/version', headers: { Long: 'x'.repeat(40000) } }],
];

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

// What other tests show, or what needs a time that this one does not take.
const ELSEWHERE = new Set([
  'archiveAudit 200', // tests/e2e/test_archive.py
  'replayWebhook 204', // tests/e2e/test_webhook.py
]);
const CODES_ELSEWHERE = new Set([
  'challenge_required', // test_challenge.py
  'credential_expired', // test_life.py
  'internal', 'no_memory', // test_could_not_check.py, test_memory.py
  'queue_full', // test_limits.py
  'stopping', // tests/unit/app/test_flows.c
  'storage_full', 'store_unavailable', // test_disk.py
  'too_many_attempts', // test_challenge.py
  'unavailable', // nginx: test_edges.py
]);

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
