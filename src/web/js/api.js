/* api.js: requests to the daemon. Whatever goes wrong is a Problem with the code
 * of the problem document, or with "network", "timeout" or "unclear". */
import { learnTime } from './time.js';

const PATIENCE_MS = 45000;

export class Problem extends Error {
    constructor(code, { status = 0, field, retryAfter_s = 0, requestId = '', body = null } = {}) {
        super(code);
        this.code = code;
        this.status = status;
        this.field = field;
        this.retryAfter_s = retryAfter_s;
        this.requestId = requestId;
        this.body = body;
    }

    /* Whether the same request may go through later. */
    get passing() {
        return this.status === 0 || this.status === 429 || this.status >= 500;
    }
}

function problemOf(status, header, body) {
    return new Problem(typeof body?.code === 'string' ? body.code : 'unclear', {
        status,
        field: body?.field,
        retryAfter_s: Number(header('Retry-After')) || 0,
        requestId: header('X-Request-Id') ?? '',
        body,
    });
}

function parse(text) {
    try {
        return text === '' ? null : JSON.parse(text);
    } catch {
        throw new Problem('unclear');
    }
}

/* call('POST', '/v1/…', { json | form, auth, headers, as }): the body of
 * the answer, parsed, or a blob with as: 'blob'. auth gives the headers that
 * prove who asks. A Bearer goes without the cookie of a session. */
export async function call(method, path, options = {}) {
    const { json, form, auth, headers = {}, as = 'json', patience_ms = PATIENCE_MS } = options;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), patience_ms);
    const proof = auth?.headers(method) ?? {};
    let answer;
    try {
        answer = await fetch(path, {
            method,
            body: json === undefined ? form : JSON.stringify(json),
            headers: { ...(json === undefined ? {} : { 'Content-Type': 'application/json' }), ...proof, ...headers },
            credentials: 'Authorization' in proof ? 'omit' : 'same-origin',
            cache: 'no-store',
            signal: limit.signal,
        });
        learnTime(answer.headers.get('Date'));
        if (answer.ok && as === 'blob')
            return await answer.blob();
        const text = await answer.text();
        if (answer.ok)
            return parse(text);
        let body = null;
        try {
            body = parse(text);
        } catch {
            /* An answer of something in between: its status is all there is. */
        }
        throw problemOf(answer.status, (name) => answer.headers.get(name), body);
    } catch (error) {
        if (error instanceof Problem)
            throw error;
        throw new Problem(limit.signal.aborted ? 'timeout' : 'network');
    } finally {
        clearTimeout(timer);
    }
}

/* The same for a form that is large: progress(part) is called with 0 to 1. */
export function send(path, { form, auth, headers = {}, progress }) {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.open('POST', path);
        request.timeout = 120000;
        for (const [name, value] of Object.entries({ ...auth.headers('POST'), ...headers }))
            request.setRequestHeader(name, value);
        request.upload.addEventListener('progress', (event) => {
            if (event.lengthComputable)
                progress(event.loaded / event.total);
        });
        request.addEventListener('load', () => {
            learnTime(request.getResponseHeader('Date'));
            let body = null;
            try {
                body = parse(request.responseText);
            } catch {
                /* As above. */
            }
            if (request.status >= 200 && request.status < 300 && body !== null)
                resolve(body);
            else
                reject(problemOf(request.status, (name) => request.getResponseHeader(name), body));
        });
        request.addEventListener('error', () => reject(new Problem('network')));
        request.addEventListener('timeout', () => reject(new Problem('timeout')));
        request.send(form);
    });
}

/* Who asks with a secret of their own. */
export const bearer = (secret) => ({ headers: () => ({ Authorization: `Bearer ${secret}` }) });
