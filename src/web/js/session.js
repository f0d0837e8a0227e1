/* session.js: a key that was exchanged for a cookie which scripts cannot read.
 * What the page keeps is the token that each change must carry. */
import { call, Problem } from './api.js';

export class Session {
    constructor(answer) {
        this.role = answer.role;
        this.purposes = answer.purposes ?? [];
        this.token = answer.csrf_token;
        this.answer = answer;
    }

    headers(method) {
        return method === 'GET' ? {} : { 'X-CSRF-Token': this.token };
    }

    async end() {
        await call('DELETE', '/v1/sessions', { auth: this });
    }

    /* With a key, or as the page of that name. */
    static async open(body) {
        return new Session(await call('POST', '/v1/sessions', { json: body }));
    }

    /* The one that this browser has, or null. */
    static async present() {
        try {
            return new Session(await call('GET', '/v1/sessions'));
        } catch (problem) {
            if (problem instanceof Problem && problem.status === 401)
                return null;
            throw problem;
        }
    }
}

/* Somebody without a key: the page's own session, made when it is first needed
 * and anew when it has ended meanwhile. */
export class Applicant {
    constructor() {
        this.session = null;
    }

    async run(work) {
        const fresh = this.session === null;
        this.session ??= await Session.open({ page: 'enroll' });
        try {
            return await work(this.session);
        } catch (problem) {
            if (fresh || (problem.status !== 401 && problem.code !== 'csrf'))
                throw problem;
        }
        this.session = await Session.open({ page: 'enroll' });
        return work(this.session);
    }
}
