/* review.js: what waits for an officer's eyes, the oldest first, and the case
 * that is looked at. j and k go through the list. */
import { call } from './api.js';
import { el } from './dom.js';
import { t } from './i18n.js';
import { ReviewCase } from './review_case.js';
import { leftText, now } from './time.js';

const PAGE = 20;

class Review {
    constructor(root, desk) {
        this.root = root;
        this.desk = desk;
        this.cases = [];
        this.next = null;
        this.current = null;
        this.list = el('ul', { class: 'queue', id: 'queue' });
        this.more = el('button', { class: 'button', type: 'button', hidden: true, onclick: () => this.load() }, t('console.more'));
        this.place = el('div', { id: 'case' });
        this.keys = (event) => this.key(event);
        document.addEventListener('keydown', this.keys);
        root.replaceChildren(el('p', { role: 'status' }, t('common.loading')));
    }

    async load() {
        const after = this.next === null ? '' : `&after=${encodeURIComponent(this.next)}`;
        try {
            const answer = await call('GET', `/v1/enrollments?state=review&limit=${PAGE}${after}`, { auth: this.desk.session });
            this.cases.push(...answer.enrollments);
            this.next = answer.next ?? null;
            this.draw();
            if (this.current === null && this.cases.length > 0)
                this.open(this.cases[0].id);
        } catch (problem) {
            this.root.replaceChildren(el('button', { class: 'button', type: 'button', onclick: () => this.load() }, t('common.again')));
            this.desk.failed(problem);
        }
    }

    draw() {
        if (this.cases.length === 0) {
            this.root.replaceChildren(el('div', { class: 'card empty' }, el('h2', {}, t('review.none')),
                el('p', {}, t('review.none.text')),
                el('button', { class: 'button', type: 'button', onclick: () => this.load() }, t('review.look'))));
            return;
        }
        this.list.replaceChildren(...this.cases.map((item) => el('li', {}, this.entry(item))));
        this.more.hidden = this.next === null;
        this.root.replaceChildren(el('div', { class: 'split' }, el('div', {},
            el('p', { class: 'small muted' }, t('review.count', { n: `${this.cases.length}${this.next === null ? '' : '+'}` })),
            this.list, this.more, el('p', { class: 'small muted keys' }, t('review.keys'))), this.place));
    }

    entry(item) {
        const appealed = item.appealed_at !== undefined;
        return el('button', { type: 'button', 'data-id': item.id,
            'aria-current': item.id === this.current ? 'true' : null, onclick: () => this.open(item.id) },
        el('strong', {}, t('review.waits', { left: leftText(now() - Date.parse(appealed ? item.appealed_at : item.created_at)) })), ' ',
        appealed ? el('span', { class: 'tag warn' }, t('review.appeal')) : '', ' ',
        item.first_decision ? el('span', { class: 'tag' }, t('review.second')) : '',
        el('span', { class: 'small muted' }, `${item.id.slice(0, 12)}…`));
    }

    async open(id) {
        this.current = id;
        this.draw();
        /* A place of its own: one that is answered late draws where nobody looks. */
        const place = el('div');
        this.place.replaceChildren(place);
        const shown = new ReviewCase(place, this.desk, id, () => this.decided(id));
        this.shown = shown;
        await shown.load();
    }

    /* The one that took its place in the list. */
    decided(id) {
        const at = this.cases.findIndex((item) => item.id === id);
        if (at >= 0)
            this.cases.splice(at, 1);
        if (this.current !== id) {
            this.draw();
            return;
        }
        this.current = null;
        this.place.replaceChildren();
        this.draw();
        if (this.cases.length > 0)
            this.open(this.cases[Math.min(at, this.cases.length - 1)].id);
        else if (this.next !== null)
            this.load();
    }

    key(event) {
        if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select, dialog'))
            return;
        const at = this.cases.findIndex((item) => item.id === this.current);
        const step = { j: 1, k: -1 }[event.key];
        if (step !== undefined && this.cases[at + step] !== undefined)
            this.open(this.cases[at + step].id);
        else if (['a', 'r'].includes(event.key) && this.shown?.choose(event.key === 'a' ? 'approve' : 'reject'))
            event.preventDefault();
    }
}

export function openReview(root, desk) {
    const review = new Review(root, desk);
    review.load();
    return () => document.removeEventListener('keydown', review.keys);
}
