/* handover.js: puts an ID onto the phone of who stands at the counter: they point
 * its camera at a code that opens /card. The secret is in the fragment of the
 * address, which browsers send to nobody. Shown once. */
import { el } from './dom.js';
import { t } from './i18n.js';
import { qrSvg } from './qr_draw.js';

export function handover({ credential_id: credential, enrollment_id: enrolment, holder_secret: secret }) {
    const link = `${location.origin}/card#add=${credential},${enrolment},${secret}`;
    const url = URL.createObjectURL(new Blob([qrSvg(link)], { type: 'image/svg+xml' }));
    return el('div', { id: 'handover' }, el('h3', {}, t('handover.title')), el('p', {}, t('handover.text')),
        el('img', { class: 'handover', src: url, alt: t('handover.alt'), width: 288, height: 288,
            onload: () => URL.revokeObjectURL(url) }),
        el('p', { class: 'small muted' }, t('handover.once')));
}
