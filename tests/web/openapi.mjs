// openapi.mjs: the document as its tests use it: operations by their ids, and a
// judge who says what an answer has that the document has not. Environment:
// WEB_MODULES (folder with node_modules), API_PORT, API_KEYS (JSON: role -> key),
// API_SOCKET (the control socket).
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

const require = createRequire(path.resolve(process.env.WEB_MODULES, 'x.js'));
export const load = (name) => require(name);

const Ajv = require('ajv/dist/2020').default;
const FILE = new URL('../../src/web/openapi.json', import.meta.url);
export const document = JSON.parse(readFileSync(FILE, 'utf8'));
export const keys = JSON.parse(process.env.API_KEYS);

const ajv = new Ajv({ strict: false });
require('ajv-formats').default(ajv);
ajv.addFormat('binary', true);
ajv.addSchema(document, 'api');
const compiled = new Map();

export function resolve(node) {
  while (node?.$ref !== undefined && node.$ref.startsWith('#/')) {
    const { $ref, ...beside } = node;
    let at = document;
    for (const key of $ref.slice(2).split('/'))
      at = at[key.replaceAll('~1', '/').replaceAll('~0', '~')];
    node = { ...at, ...beside };
  }
  return node;
}

// What is wrong with a value, in words; '' when it fits.
export function misfit(schema, value) {
  if (!compiled.has(schema)) {
    // References in it are the document's.
    const text = JSON.stringify(schema).replaceAll('"#/', '"api#/');
    compiled.set(schema, ajv.compile(JSON.parse(text)));
  }
  const validate = compiled.get(schema);
  return validate(value) ? '' : ajv.errorsText(validate.errors);
}

export const operations = new Map();
for (const [route, item] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(item)) {
    const body = resolve(operation.requestBody);
    operations.set(operation.operationId, {
      ...operation, route, method: method.toUpperCase(),
      parameters: (operation.parameters ?? []).map(resolve),
      content: body?.content ?? {}, bodyRequired: body?.required ?? false,
    });
  }
}

// The examples of a parameter or a media type by their names.
export function examples(node) {
  if (node.examples !== undefined)
    return new Map(Object.entries(node.examples).map(
      ([name, one]) => [name, one.value]));
  return node.example === undefined ? new Map()
    : new Map([['example', node.example]]);
}

// ---- asking ------------------------------------------------------------------
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

const plain = (answer, bytes) =>
  answer.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;

export function ask({ method, target, headers = {}, body, socket = false }) {
  const to = socket ? { socketPath: process.env.API_SOCKET }
    : { host: '127.0.0.1', port: Number(process.env.API_PORT), agent };
  return new Promise((settle, fail) => {
    const request = http.request({
      ...to, method, path: target,
      headers: body === undefined ? headers
        : { 'Content-Length': Buffer.byteLength(body), ...headers },
    }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', fail);
      answer.on('end', () => settle({
        status: answer.statusCode, headers: answer.headers,
        body: plain(answer, Buffer.concat(parts)) }));
    });
    request.on('error', fail);
    request.end(body);
  });
}

// parts: [name, content type, bytes]. Returns the content type and the body.
export function multipart(parts) {
  const mark = 'x'.repeat(8) + Math.random().toString(36).slice(2);
  const out = [];
  for (const [name, type, data] of parts)
    out.push(Buffer.from(
      `--${mark}\r\nContent-Disposition: form-data; name="${name}"` +
      (type.startsWith('image/') ? '; filename="photo"' : '') +
      `\r\nContent-Type: ${type}\r\n\r\n`), data, Buffer.from('\r\n'));
  return [`multipart/form-data; boundary=${mark}`,
          Buffer.concat([...out, Buffer.from(`--${mark}--\r\n`)])];
}

// ---- judging ------------------------------------------------------------------
// What HTTP itself adds, and what is about caches only.
const ALWAYS = new Set(['date', 'content-length', 'content-type', 'connection',
                        'keep-alive', 'vary']);

function judgeHeaders(declared, answer, found) {
  const names = new Map(Object.entries(declared).map(
    ([name, one]) => [name.toLowerCase(), resolve(one)]));
  for (const [name, header] of names) {
    const value = [answer.headers[name]].flat().join(', ') || undefined;
    if (value === undefined) {
      if (header.required) found.push(`no header ${name}`);
      continue;
    }
    const wrong = misfit(header.schema, value);
    if (wrong !== '') found.push(`header ${name}: ${wrong}`);
  }
  for (const name of Object.keys(answer.headers))
    if (!names.has(name) && !ALWAYS.has(name))
      found.push(`header ${name} is not in the document`);
}

function judgeBody(content, answer, found) {
  const type = (answer.headers['content-type'] ?? '').split(';')[0];
  // 304 has the type that 200 would have (RFC 9110 15.4.5 leaves it open).
  if (answer.status === 304 && answer.body?.length === 0) return;
  if (Object.keys(content).length === 0) {
    if (answer.body?.length > 0 || type !== '') found.push('a body');
    return;
  }
  if (content[type] === undefined) {
    found.push(`type ${type} is not in the document`);
    return;
  }
  if (answer.body === null) return;
  let value = answer.body.toString('utf8');
  if (/json$/.test(type)) {
    try {
      value = JSON.parse(value);
    } catch (error) {
      found.push(String(error));
      return;
    }
  }
  const wrong = misfit(content[type].schema, value);
  if (wrong !== '') found.push(`${wrong}: ${answer.body}`);
  if (value.request_id !== undefined &&
      value.request_id !== answer.headers['x-request-id'])
    found.push('two request ids');
}

// All that the answer has and the document has not, as a list of sentences. Of
// an answer to HEAD there is no body to look at.
export function judge(operation, answer, head = false) {
  const response = resolve(operation.responses[answer.status]);
  if (response === undefined)
    return [`status ${answer.status} is not in the document: ${answer.body}`];
  const found = [];
  judgeHeaders(response.headers ?? {}, answer, found);
  if (head && answer.body.length > 0) found.push('a body for HEAD');
  judgeBody(response.content ?? {},
            head ? { ...answer, body: null } : answer, found);
  return found;
}

// The same of a path or a method that no operation has.
export function judgeNowhere(answer, head = false) {
  return judge({ responses: { ...document['x-everywhere'],
                              400: { $ref: '#/components/responses/BadRequest' } } },
               answer, head);
}
