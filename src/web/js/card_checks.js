/* card_checks.js: who asked about me: every check with whom, what for and how it
 * went, and a way to say that one was not right. */
import { call } from './api.js';
import { busy, el, say } from './dom.js';
import { t } from './i18n.js';
import { whenText } from './time.js';
import { problemText, word } from './words.js';

const PAGE = 20;
const REASON_MAX_BYTES = 400;

function disputeState(dispute) {
    const kind = { upheld: 'good', dismissed: 'bad' }[dispute.state] ?? 'warn';
    return el('span', { class: `tag ${kind}` }, t(`dispute.${dispute.state}`));
}

export class Checks {
    constructor(root, wallet) {
        this.root = root;
        this.wallet = wallet;
        this.auth = wallet.auth;
        this.list = el('ul', { class: 'checks' });
        this.more = el('button', { class: 'button', type: 'button', hidden: true }, t('checks.more'));
        this.said = el('p', { role: 'status' }, t('common.loading'));
        this.more.addEventListener('click', () => busy(this.more, () => this.load()));
        root.replaceChildren(this.said, this.list, this.more);
        this.next = null;
    }

    async load() {
        const after = this.next === null ? '' : `&after=${encodeURIComponent(this.next)}`;
        try {
            const answer = await call('GET', `/v1/credentials/${this.wallet.credential_id}/checks?limit=${PAGE}${after}`,
                { auth: this.auth });
            this.list.append(...answer.checks.map((check) => this.item(check)));
            this.next = answer.next ?? null;
            this.more.hidden = this.next === null;
            say(this.said, this.list.children.length === 0 ? t('checks.none') : '');
        } catch (problem) {
            say(this.said, problemText(problem));
            this.more.hidden = false;
            this.more.textContent = t('common.again');
        }
    }

    item(check) {
        const good = check.outcome === 'valid';
        const place = [word('purpose', check.purpose), check.counter && t('checks.counter', { counter: check.counter })]
            .filter(Boolean).join(' · ');
        const below = el('div');
        below.append(check.dispute ? disputeState(check.dispute) : this.disputeButton(check, below));
        return el('li', {},
            el('div', { class: 'head' }, el('strong', {}, check.party || t('checks.party.none')),
                el('span', { class: `tag ${good ? 'good' : 'bad'}` }, t(good ? 'checks.valid' : 'checks.not_valid'))),
            el('div', {}, place),
            el('div', { class: 'small muted' }, whenText(check.at)), below);
    }

    disputeButton(check, below) {
        return el('button', { class: 'button quiet slim', type: 'button',
            onclick: () => this.ask(check, below) }, t('dispute.begin'));
    }

    ask(check, below) {
        const id = `why-${check.id}`;
        const text = el('textarea', { id, required: true });
        const problem = el('p', { class: 'help bad', role: 'alert', hidden: true });
        const button = el('button', { class: 'button main slim', type: 'submit' }, t('dispute.send'));
        const send = async () => {
            const reason = text.value.trim();
            if (reason === '' || new TextEncoder().encode(reason).length > REASON_MAX_BYTES) {
                say(problem, t(reason === '' ? 'dispute.needed' : 'appeal.long'), 'bad');
                return;
            }
            try {
                const dispute = await busy(button, () => call('POST', `/v1/verifications/${check.id}/dispute`, {
                    auth: this.auth, json: { credential_id: this.wallet.credential_id, reason } }));
                below.replaceChildren(disputeState(dispute));
            } catch (error) {
                say(problem, problemText(error), 'bad');
            }
        };
        below.replaceChildren(el('form', { novalidate: true, onsubmit: (event) => {
            event.preventDefault();
            send();
        } },
        el('div', { class: 'field' }, el('label', { for: id }, t('dispute.why')), text, problem),
        el('div', { class: 'row' }, button, el('button', { class: 'button quiet slim', type: 'button',
            onclick: () => below.replaceChildren(this.disputeButton(check, below)) }, t('common.cancel')))));
        text.focus();
    }
}
