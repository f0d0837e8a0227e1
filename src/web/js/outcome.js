/* outcome.js: what has become of an enrolment, in words, and what to do next. */
import { el, sign } from './dom.js';
import { t } from './i18n.js';
import { whenText } from './time.js';
import { reasonText } from './words.js';

const SIGNS = { mendable: ['warn', 'warn'], approved: ['good', 'good'], rejected: ['bad', 'bad'], failed: ['bad', 'bad'],
    review: ['wait', 'warn'], received: ['wait', ''], processing: ['wait', ''] };
const FINAL = ['id_number_in_use', 'card_expired', 'officer_decision'];

export const settled = (state) => !['received', 'processing'].includes(state);

/* Which photos the reasons speak of: 'card', 'selfie', 'turns'; null when the
 * details are to be mended or nothing can be. */
export function wrongParts(reasons) {
    const parts = new Set();
    for (const { code, photo } of reasons) {
        if (photo === 'id_photo')
            parts.add('card');
        else if (photo === 'selfie' || ['faces_differ', 'same_file'].includes(code))
            parts.add('selfie');
        else if (photo !== undefined)
            parts.add('turns');
    }
    return parts;
}

function button(key, act, name, main = false) {
    return el('button', { class: main ? 'button main' : 'button', type: 'button', 'data-do': name, onclick: act }, t(key));
}

function rejectedActions(enrolment, acts) {
    const codes = enrolment.reasons.map((reason) => reason.code);
    const out = [];
    if (codes.includes('id_number_invalid'))
        out.push(button('outcome.number', acts.details, 'details', true));
    else if (codes.includes('id_number_in_use'))
        out.push(el('a', { class: 'button main', href: '/card#recover' }, t('outcome.recover')));
    else if (!codes.some((code) => FINAL.includes(code)))
        out.push(button(retakeKey(wrongParts(enrolment.reasons)), acts.retake, 'retake', true));
    if (acts.appeal !== null && enrolment.appealed_at === undefined && !codes.includes('id_number_invalid'))
        out.push(button('outcome.appeal', acts.appeal, 'appeal'));
    out.push(button('outcome.anew', acts.anew, 'anew'));
    return out;
}

function retakeKey(parts) {
    return parts.size === 1 ? `outcome.retake.${[...parts][0]}` : 'outcome.retake';
}

function actionsOf(enrolment, acts) {
    switch (enrolment.state) {
    case 'approved':
        return [el('a', { class: 'button main', href: `/card${location.hash}`, 'data-do': 'card' }, t('outcome.show'))];
    case 'rejected':
    case 'failed':
        return rejectedActions(enrolment, acts);
    case 'review':
        return [button('outcome.look', acts.look, 'look')];
    default:
        return [];
    }
}

export function showOutcome(root, enrolment, acts) {
    const { code } = enrolment.reasons[0] ?? {};
    /* What can be mended is no verdict on the person. */
    const mendable = enrolment.state === 'rejected' && !FINAL.includes(code);
    const [name, kind] = mendable ? SIGNS.mendable : SIGNS[enrolment.state] ?? SIGNS.processing;
    const waiting = !settled(enrolment.state);
    const head = el('h1', { tabindex: '-1' }, t(`outcome.${enrolment.state}.title`));
    const reasons = enrolment.reasons.filter((reason) => reason.code !== 'under_review');
    root.replaceChildren(
        waiting ? el('div', { class: 'spinner' }) : sign(name, `big-sign ${kind}`),
        head,
        el('p', { role: 'status' }, t(`outcome.${enrolment.state}.text`)),
        reasons.length === 0 ? '' : el('ul', { class: 'card reasons' },
            ...reasons.map((reason) => el('li', {}, reasonText(reason)))),
        enrolment.created_at === undefined ? '' : el('p', { class: 'small muted' },
            t('outcome.sent', { when: whenText(enrolment.created_at) })),
        el('div', { class: 'actions' }, ...actionsOf(enrolment, acts)));
    head.focus();
}
