/* card_menu.js: what the person can do with their ID: suspend it, resume it, take
 * it off this phone, erase everything. */
import { call } from './api.js';
import { confirmed } from './dialog.js';
import { busy, byId, el } from './dom.js';
import { t } from './i18n.js';
import { clearWallet, dropCode } from './wallet.js';

async function act(button, work, failed) {
    try {
        await busy(button, work);
        return true;
    } catch (problem) {
        failed(problem);
        return false;
    }
}

export async function suspend(wallet, button, done, failed) {
    if (!await confirmed({ title: t('card.suspend'), text: t('suspend.text'), yes: t('suspend.yes') }))
        return;
    const { auth } = wallet;
    if (await act(button, () => call('POST', `/v1/credentials/${wallet.credential_id}/suspend`, { auth }), failed)) {
        dropCode();
        done();
    }
}

export async function resume(wallet, button, done, failed) {
    const { auth } = wallet;
    if (await act(button, () => call('POST', `/v1/credentials/${wallet.credential_id}/resume`, { auth }), failed))
        done();
}

export async function forget(done) {
    if (!await confirmed({ title: t('card.forget'), text: t('forget.text'), yes: t('forget.yes') }))
        return;
    clearWallet();
    done('forget.done');
}

export async function erase(wallet, button, done, failed) {
    const check = el('label', { class: 'check' }, el('input', { type: 'checkbox', id: 'erase-sure', required: true }),
        el('span', {}, t('erase.sure')));
    if (!await confirmed({ title: t('card.erase'), text: t('erase.text'), yes: t('erase.yes'), extra: check }))
        return;
    const { auth } = wallet;
    if (await act(button, () => call('DELETE', `/v1/enrollments/${wallet.enrollment_id}`, { auth }), failed)) {
        clearWallet();
        done('erase.done');
    }
}

/* What stands in place of the code when the ID is not active. */
export function showState(credential, wallet, done, failed) {
    const { state } = credential;
    byId('state-title').textContent = t(`state.${state}.title`);
    byId('state-text').textContent = t(state === 'suspended' && credential.suspended_by === 'officer'
        ? 'state.suspended.officer' : `state.${state}.text`);
    const actions = byId('state-actions');
    actions.replaceChildren();
    if (state === 'suspended' && credential.suspended_by !== 'officer') {
        const button = el('button', { class: 'button main', type: 'button', id: 'resume',
            onclick: () => resume(wallet, button, done, failed) }, t('card.resume'));
        actions.append(button);
    } else if (['revoked', 'replaced', 'expired'].includes(state)) {
        actions.append(el('a', { class: 'button main', href: '/enroll' }, t('card.none.enroll')));
    }
}
