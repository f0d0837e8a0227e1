/* consent.js: the form that asks for consent, and what was agreed to. */
import { CONSENT_VERSION } from './consent_version.js';
import { byId, say } from './dom.js';
import { t } from './i18n.js';
import { stamp } from './time.js';

/* done({ version, given_at, portrait? }). */
export function askConsent(done) {
    const agree = byId('agree');
    const help = byId('consent-help');
    agree.addEventListener('change', () => say(help, ''));
    byId('consent').addEventListener('submit', (event) => {
        event.preventDefault();
        if (!agree.checked) {
            say(help, t('consent.needed'), 'bad');
            agree.focus();
            return;
        }
        done({ version: CONSENT_VERSION, given_at: stamp(),
            ...(byId('portrait').checked ? { portrait: true } : {}) });
    });
}
