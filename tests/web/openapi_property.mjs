// openapi_property.mjs: requests made out of the document, good ones and ones
// with something wrong in each place: whatever is asked, the answer is one that
// the document has, and what the document forbids is not taken. Seeded: prints
// the seed; SEED and RUNS say another one, and how many. Stops at the first
// request that breaks it, made as small as can be.
import { operations, ask, judge, judgeNowhere, keys, load, misfit, multipart,
         resolve } from './openapi.mjs';
import { FLAW, photo } from './fake_photo.mjs';

const fc = load('fast-check');
const SEED = Number(process.env.SEED ?? 20261126);
const RUNS = Number(process.env.RUNS ?? 2000);

// ---- what there is to ask about -------------------------------------------------
// Real ids and secrets by the schema that describes them, the latest last.
const pool = new Map();
// Cookie and token by the role of who is signed in.
const sessions = new Map();
const PERSONS = ['440524188001010014', '11010519491231002X',
                 '53010219200508011X', '990000195001010016'];
const KNOWN = {
  PurposeName: () => fc.constantFrom('train_ticket', 'bank_account',
                                     'hotel_check_in', 'security_check'),
  ClientKey: () => fc.constantFrom(...Object.values(keys)),
};
const PREFIX = { enr_: 'EnrolmentId', crd_: 'CredentialId',
                 ver_: 'VerificationId', chl_: 'ChallengeId',
                 dsp_: 'DisputeId', sidh: 'HolderSecret' };
const POOL_MAX = 24;

function keep(kind, value) {
  const all = pool.get(kind) ?? [];
  if (!all.includes(value)) all.push(value);
  pool.set(kind, all.slice(-POOL_MAX));
}

// Keys that this test lives on must not be revoked: of clients, only new ones.
function takeIn(operation, value) {
  if (typeof value === 'string') {
    const kind = PREFIX[value.slice(0, 4)];
    if (kind !== undefined) keep(kind, value);
    if (/^SIDO?1:/.test(value)) keep('code', value);
    if (value.startsWith('cli_') && operation.operationId === 'addClient')
      keep('ClientId', value);
  } else if (value !== null && typeof value === 'object') {
    for (const one of Object.values(value)) takeIn(operation, one);
  }
}

// One of the pool at the time of asking; `fresh` where it has none.
const pooled = (kind, fresh) => fc.tuple(fc.nat(POOL_MAX - 1), fresh).map(
  ([at, other]) => ({ kind, at, other }));

function settle(value) {
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value))
    return value;
  if (Array.isArray(value)) return value.map(settle);
  if (value.kind !== undefined && value.at !== undefined) {
    const all = pool.get(value.kind) ?? [];
    return all.length === 0 ? value.other : all[value.at % all.length];
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, settle(one)]));
}

// ---- values that a schema allows -------------------------------------------------
const past = fc.date({ min: new Date('2026-01-01T00:00:00Z'),
                       max: new Date('2026-11-20T00:00:00Z'),
                       noInvalidDate: true });

function textOf(schema) {
  if (schema.pattern !== undefined)
    return fc.stringMatching(new RegExp(schema.pattern));
  if (schema.format === 'date-time') return past.map((d) => d.toISOString());
  if (schema.format === 'binary')
    return fc.tuple(fc.nat(31), fc.constantFrom(...Object.values(FLAW)));
  return fc.string({ unit: 'grapheme', minLength: schema.minLength ?? 0,
                     maxLength: Math.min(schema.maxLength ?? 40, 40) });
}

function objectOf(schema) {
  const members = Object.entries(schema.properties ?? {}).map(
    ([name, one]) => [name, allowed(one, name)]);
  return fc.record(Object.fromEntries(members),
                   { requiredKeys: schema.required ?? [] });
}

function allowed(schema, name) {
  const id = schema.$ref?.split('/').at(-1);
  if (KNOWN[id] !== undefined) return KNOWN[id]();
  schema = resolve(schema);
  if (id !== undefined && Object.values(PREFIX).concat('ClientId').includes(id))
    return pooled(id, textOf(schema));
  if (name === 'code') return pooled('code', fc.string());
  if (name === 'id_number') return fc.constantFrom(...PERSONS);
  if (id === 'Date')
    return past.map((d) => d.toISOString().replace('2026', '2036').slice(0, 10));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.type === 'integer')
    return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1000 });
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.type === 'array')
    return fc.array(allowed(schema.items), {
      minLength: schema.minItems ?? 0, maxLength: 4 });
  return schema.type === 'object' ? objectOf(schema) : textOf(schema);
}

// ---- and what it does not ----------------------------------------------------------
const odd = fc.oneof(
  fc.constantFrom(null, true, false, '', [], {}, 0, -1, 1.5, 1e308, 2 ** 53 + 2,
                  '\u0000', '\ud800', '\u202e', '٣', '👩‍👩‍👧', 'x'.repeat(5000),
                  "' OR 1=1 --", '../../etc/passwd', [[[[[[[[[[]]]]]]]]]]),
  fc.string({ unit: 'binary', maxLength: 80 }), fc.double(), fc.jsonValue());
const oddName = fc.oneof(fc.constantFrom('__proto__', 'extra', 'Name', ''),
                         fc.string({ unit: 'grapheme', maxLength: 60 }));
// What JSON.stringify never writes.
const raw = fc.constantFrom('', '{', '[]', 'null', '"x"', '{"a":1}{', '\ufeff{}',
  '{"steps":1e400}', '{"steps":-0}', '{"steps":2.0}', '{"a":1,"a":2}',
  '{"steps":99999999999999999999999}', '{"\\u0000":1}', '{,}', '{"a":\x01}');

const spoil = (whole) => fc.oneof(
  { weight: 8, arbitrary: whole.map((value) => ({ value })) },
  { weight: 3, arbitrary: fc.tuple(whole, fc.nat(7), odd).map(
    ([value, at, other]) => {
      const names = Object.keys(value);
      return names.length === 0 ? { value: other }
        : { value: { ...value, [names[at % names.length]]: other } };
    }) },
  { weight: 1, arbitrary: fc.tuple(whole, fc.nat(7)).map(([value, at]) => {
    const names = Object.keys(value);
    const { [names[at % names.length]]: gone, ...rest } = value;
    return { value: rest };
  }) },
  { weight: 1, arbitrary: fc.tuple(whole, oddName, odd).map(
    ([value, name, other]) => ({ value: { ...value, [name]: other } })) },
  { weight: 1, arbitrary: raw.map((text) => ({ text })) });

const header = fc.string({
  unit: fc.constantFrom(...'abzAZ09 "\\;,=/*-._~éÿ'), maxLength: 150 });
const HEADERS = {
  Prefer: fc.oneof(fc.constantFrom('wait=0', 'wait=1', 'respond-async',
                                   'wait=abc', 'wait=-1'), header),
  'Idempotency-Key': fc.oneof(fc.constantFrom('"a"', 'b', '""', '"'), header),
  'X-Request-Id': header,
  Accept: fc.oneof(fc.constantFrom('image/png', 'image/svg+xml;q=0.1', '*/*',
                                   'text/html', 'image/*;q=0, */*'), header),
};

// ---- a request -----------------------------------------------------------------------
const mostly = (usual, arbitrary, weight = 8) =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary });

// How a caller is written: their role, or what is none.
function callerOf(operation) {
  const { any, own } = operation['x-roles'];
  // The app owns all there is here; a holder one thing of many.
  const may = [...any, ...own, ...own.filter((role) => role === 'app')].filter(
    (role) => role !== 'control socket' && role !== 'applicant');
  if (any.includes('applicant')) may.push('applicant, signed in');
  const all = ['app', 'clerk', 'officer', 'admin', 'holder', 'nobody', 'wrong'];
  const signed = may.filter((role) => sessions.has(role));
  if (signed.length > 0)
    may.push(...signed.map((role) => `${role}, signed in`));
  return may.length === 0 || may[0] === 'everybody' ? fc.constantFrom(...all)
    : mostly(fc.constantFrom(...may), fc.constantFrom(...all), 10);
}

function bodyOf(operation) {
  const types = Object.keys(operation.content);
  if (types.length === 0)
    return mostly(fc.constant(undefined),
                  raw.map((text) => ({ type: 'application/json', text })), 15);
  const one = fc.oneof(...types.map((type) =>
    spoil(allowed(operation.content[type].schema)).map(
      (spoilt) => ({ type, ...spoilt }))));
  return mostly(one, fc.constantFrom(
    undefined, { type: 'text/plain', text: 'hello' },
    { type: 'multipart/form-data', text: '--x--' },
    { type: 'multipart/form-data; boundary=x', text: '--x--\r\n' }), 12);
}

const oddText = fc.oneof(fc.constantFrom('', '0', '51', 'a/b', '99999999999'),
                         fc.string({ unit: 'grapheme', maxLength: 40 }));

// Numbers beyond the ends, too: the daemon and the document have the same.
function parameterOf(one) {
  const other = resolve(one.schema).type === 'integer'
    ? fc.oneof(fc.integer({ min: 0, max: 99 }).map(String), oddText) : oddText;
  return mostly(allowed(one.schema, one.name), other, 6);
}

function requestOf(operation) {
  const places = operation.parameters.filter((one) => one.in !== 'header');
  const given = fc.record(
    Object.fromEntries(places.map((one) => [one.name, parameterOf(one)])),
    { requiredKeys: places.filter((one) => one.required).map((o) => o.name) });
  return fc.record({
    operation: fc.constant(operation.operationId),
    method: mostly(fc.constant(operation.method), fc.constantFrom(
      'GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS'), 12),
    caller: callerOf(operation), holder: pooled('HolderSecret',
                                                fc.constant('sidh_x')),
    given, more: mostly(fc.constant({}), fc.dictionary(
      fc.constantFrom('limit', 'x', 'state'), oddText, { maxKeys: 2 }), 12),
    token: mostly(fc.constant(true), fc.boolean(), 12),
    headers: fc.record(HEADERS, { requiredKeys: [] }),
    body: bodyOf(operation) });
}

// ---- asked, and judged -----------------------------------------------------------------
function partsOf(schema, value) {
  const known = resolve(schema).properties;
  return Object.entries(value).map(([name, one]) => {
    const clean = name.replace(/[^a-z_0-9]/g, '') || 'x';
    const photoHere = known[name] !== undefined &&
      resolve(known[name]).format === 'binary';
    if (photoHere && Array.isArray(one) && typeof one[0] === 'number')
      return [clean, 'image/png', photo(...one)];
    if (typeof one === 'string')
      return [clean, photoHere ? 'image/jpeg' : 'text/plain', Buffer.from(one)];
    return [clean, 'application/json', Buffer.from(JSON.stringify(one) ?? '')];
  });
}

// The bytes of a body, its type, and whether the document allows it (undefined:
// not known).
function render(operation, body) {
  if (body === undefined) return {};
  const media = operation.content[body.type];
  if (body.text !== undefined) return { type: body.type, bytes: body.text };
  const value = settle(body.value);
  if (body.type === 'text/xml') return { type: body.type, bytes: `${value}` };
  if (body.type !== 'application/json') {
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      return { type: body.type, bytes: 'x' };
    const [type, bytes] = multipart(partsOf(media.schema, value));
    return { type, bytes };
  }
  const text = JSON.stringify(value) ?? '';
  // JSON here is UTF-8 without NUL: RFC 8259 8.1 and jansson.
  const clean = !/\\u0000|\\ud[89a-f]/.test(text);
  return { type: body.type, bytes: text, clean,
           fits: misfit(media.schema, text === '' ? null : JSON.parse(text)) === '' };
}

function targetOf(operation, request) {
  let route = operation.route;
  const query = new URLSearchParams();
  let fits = true;
  for (const one of operation.parameters) {
    const value = settle(request.given[one.name]);
    if (value === undefined || one.in === 'header') continue;
    const typed = resolve(one.schema).type === 'integer' && /^\d+$/.test(value)
      ? Number(value) : value;
    fits &&= misfit(one.schema, typed) === '';
    if (one.in === 'path')
      route = route.replace(`{${one.name}}`, () => encodeURIComponent(value));
    else
      query.set(one.name, value);
  }
  for (const [name, value] of Object.entries(request.more)) {
    fits &&= operation['x-any-query'] || request.given[name] !== undefined ||
      operation.parameters.some(
        (one) => one.in === 'query' && one.name === name);
    if (request.given[name] === undefined) query.set(name, value);
  }
  // What was added is judged by the daemon alone.
  const sure = Object.keys(request.more).length === 0 || !fits;
  return { target: query.size > 0 ? `${route}?${query}` : route,
           fits: sure ? fits : undefined };
}

function authorize(request) {
  const { caller } = request;
  if (caller === 'nobody') return {};
  if (caller.endsWith(', signed in')) {
    const { cookie, token } = sessions.get(roleOf(caller));
    return { Cookie: cookie, ...(request.token ? { 'X-CSRF-Token': token } : {}) };
  }
  const key = caller === 'holder' ? settle(request.holder)
    : keys[caller] ?? `sidk_${'0'.repeat(12)}_${'0'.repeat(52)}`;
  return { Authorization: `Bearer ${key}` };
}

const roleOf = (caller) => caller.replace(', signed in', '');

function may(operation, request) {
  const { any, own } = operation['x-roles'];
  const role = roleOf(request.caller);
  const signed = role !== request.caller && operation.method !== 'GET';
  return any[0] === 'everybody' ||
    ((any.includes(role) || own.includes(role)) && (request.token || !signed));
}

const counts = new Map();

function countIn(answer) {
  let mark = String(answer.status);
  if (answer.status >= 400 && answer.body.length > 0)
    mark += ` ${JSON.parse(answer.body).code}`;
  counts.set(mark, (counts.get(mark) ?? 0) + 1);
}

// What was taken, or called unknown, against what the document allows.
function judgeTaken(operation, request, sent, answer) {
  const found = [];
  if (answer.status < 300) {
    if (!may(operation, request)) found.push('who may not');
    if (sent.place.fits === false) found.push('a query that does not fit');
    if (sent.body.fits === false) found.push('a body that does not fit');
    return found;
  }
  const code = answer.body.length > 0 && answer.status < 500
    ? JSON.parse(answer.body).code : '';
  if (sent.body.fits && sent.body.clean &&
      ['field_unknown', 'bad_json'].includes(code) &&
      sent.place.fits)
    found.push(`${code}, though the document allows it`);
  return found;
}

async function holds(request) {
  const operation = operations.get(request.operation);
  const sent = { place: targetOf(operation, request),
                 body: render(operation, request.body) };
  const type = sent.body.type === undefined ? {}
    : { 'Content-Type': sent.body.type };
  const head = request.method === 'HEAD';
  const answer = await ask({
    method: request.method, target: sent.place.target,
    headers: { ...request.headers, ...authorize(request), ...type },
    body: sent.body.bytes });
  countIn(answer);
  const method = head ? 'GET' : request.method;
  const same = method === operation.method;
  const other = [...operations.values()].find(
    (one) => one.route === operation.route && one.method === method);
  const found = same ? judge(operation, answer, head)
    : other !== undefined ? judge(other, answer, head)
      : judgeNowhere(answer, head);
  if (same && !head) {
    found.push(...judgeTaken(operation, request, sent, answer));
    if ((answer.headers['content-type'] ?? '').startsWith('application/json'))
      takeIn(operation, JSON.parse(answer.body));
  }
  if (found.length > 0)
    throw new Error(`${request.method} ${sent.place.target} as ` +
      `${request.caller} -> ${answer.status}\n${found.join('\n')}\n` +
      `body: ${String(sent.body.bytes).slice(0, 600)}`);
}

// Somebody to ask about from the start.
async function begin() {
  const enrol = operations.get('enrol');
  for (const flaw of [FLAW.OK, FLAW.BLURRED, FLAW.UNCLEAR]) {
    const [type, body] = multipart([
      ['holder', 'application/json', Buffer.from(JSON.stringify({
        name: 'Wang Example', id_number: PERSONS[3],
        consent: { version: '1', given_at: '2026-01-05T08:00:00Z' } }))],
      ['id_photo', 'image/png', photo(1)],
      ['selfie', 'image/png', photo(1, flaw)]]);
    const answer = await ask({ method: 'POST', target: '/v1/enrollments', body,
      headers: { Authorization: `Bearer ${keys.app}`, 'Content-Type': type,
                 Prefer: 'wait=30' } });
    takeIn(enrol, JSON.parse(answer.body));
  }
}

async function signIn(role) {
  const answer = await ask({ method: 'POST', target: '/v1/sessions',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(role === 'applicant' ? { page: 'enroll' }
      : { key: keys[role] }) });
  sessions.set(role, { cookie: answer.headers['set-cookie'][0].split(';')[0],
                       token: JSON.parse(answer.body).csrf_token });
}

const began = Date.now();
for (const role of ['applicant', 'clerk', 'officer', 'admin']) await signIn(role);
await begin();
// Of pages there is less to ask.
const requests = fc.oneof(...[...operations.values()].map((operation) => ({
  weight: operation.tags[0] === 'Pages' ? 1 : 5,
  arbitrary: requestOf(operation) })));
console.log(`seed ${SEED}`);
const result = await fc.check(fc.asyncProperty(requests, holds),
                              { seed: SEED, numRuns: RUNS });
for (const [mark, count] of [...counts].sort())
  console.log(`${String(count).padStart(6)} ${mark}`);
console.log(`${result.numRuns} requests, ${Date.now() - began} ms`);
if (result.failed)
  console.log(`${fc.defaultReportMessage(result)}\n${result.errorInstance}`);
process.exit(result.failed ? 1 : 0);
