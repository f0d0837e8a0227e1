// openapi_story.mjs: what is asked of the daemon, one thing after the other, so
// that each example of the document has its turn; read by openapi_examples.mjs.
// A step: ask: [operation, who, status]; who is a role, a holder's secret as the
// document has it, `session` (the one opened last) or nobody. example, type,
// query, path, headers, empty: which of what the operation takes. body: makes
// another body out of the example. who, flaw: whose photos, and what is wrong
// with the selfie. forget: the answer's names are not the document's.
import { examples, keys, operations, resolve } from './openapi.mjs';
import { FLAW } from './fake_photo.mjs';

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

export const story = [
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
  // This daemon has no account on WeChat.
  { ask: ['verifyWechatUrl', undefined, 404] },
  { ask: ['takeWechatPush', undefined, 404], type: 'application/json' },
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
  { ask: ['getPhoto', 'officer', 200], photo: 'face' },
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
  { ask: ['bindChat', 'session', 409], why: 'not out of a chat' },
  { ask: ['partChat', 'session', 409] },
  { ask: ['closeSession', 'session', 204] },
  // There is no account on WeChat here.
  ...['getDomainFile', 'enterFromChat', 'comeBackFromWechat', 'signPage'].map((id) => (
    { ask: [id, undefined, 404] })),
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
    body: (example) => ({ ...example, licence: 'C1' }) },
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
    body: (example) => ({ ...example, replace: true }) },
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
  { ask: ['reportMisuse', 'officer', 200], forget: true },
  { ask: ['archiveAudit', 'admin', 403] },
  { ask: ['archiveAudit', undefined, 409], socket: true,
    why: 'no such rows' },
  { ask: ['getWebhook', 'admin', 200] },
  { ask: ['replayWebhook', 'admin', 404], why: 'nothing was refused' },
];

// What is refused wherever it is asked.
export const JSON_TYPE = { 'Content-Type': 'application/json' };
export const clerk = { Authorization: `Bearer ${keys.clerk}`, ...JSON_TYPE };
export const refused = [
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

// What other tests show, or what needs a time that this one does not take.
export const ELSEWHERE = new Set([
  'verifyWechatUrl 200', 'takeWechatPush 200', // tests/e2e/test_wechat_chat.py
  'archiveAudit 200', // tests/e2e/test_archive.py
  'replayWebhook 204', // tests/e2e/test_webhook.py
  // tests/e2e/test_wechat_pages.py
  'bindChat 204', 'partChat 204', 'enterFromChat 303', 'comeBackFromWechat 303',
  'signPage 200', 'getDomainFile 200',
]);
export const CODES_ELSEWHERE = new Set([
  'api_paused', 'api_unreachable', // test_wechat_pages.py
  'challenge_required', // test_challenge.py
  'credential_expired', // test_life.py
  'internal', 'no_memory', // test_could_not_check.py, test_memory.py
  'queue_full', // test_limits.py
  'stopping', // tests/unit/app/test_flows.c
  'storage_full', 'store_unavailable', // test_disk.py
  'too_many_attempts', // test_challenge.py
  'unavailable', // nginx: test_edges.py
]);
