/* chat.js: the way from a chat onto a page, which loads this only then. The daemon
 * leads here with #wechat when a session has begun for whoever tapped, and with
 * #wechat=WHY when none could. Of such a person nothing is kept on the phone: the
 * session is theirs. */
import { call } from './api.js';
import { currentLanguage } from './i18n.js';
import { Session } from './session.js';
import { keepWallet, lend } from './wallet.js';
import { problemText } from './words.js';

async function words(why) {
    const { default: texts } = await import(`./text/${currentLanguage()}.chat.js`);
    return texts[why] ?? texts.again;
}

const leave = () => history.replaceState(null, '', location.pathname);

/* As a phone's storage, but gone with the page. */
class Memory {
    constructor(session) {
        this.auth = session;
        this.kept = new Map();
    }

    getItem(key) {
        return this.kept.get(key) ?? null;
    }

    setItem(key, value) {
        this.kept.set(key, value);
    }

    removeItem(key) {
        this.kept.delete(key);
    }

    end() {
        leave();
        this.auth.end().catch(() => {});
    }
}

async function take(session) {
    const { enrollment_id } = session.answer;
    const credential_id = session.answer.credential_id ??
        (await call('GET', `/v1/enrollments/${enrollment_id}`, { auth: session })).credential_id;
    lend(new Memory(session));
    keepWallet({ enrollment_id, credential_id });
}

/* Shows a holder what is theirs, whatever the phone keeps, and has who enrols do
 * so in the session that has begun. Returns what else there is to say. */
export async function enter(applicant) {
    const [, why] = location.hash.split('=');
    if (why !== undefined) {
        leave();
        return words(why);
    }
    try {
        const session = await Session.present();
        if (session === null)
            return words('over');
        if (session.role === 'holder')
            await take(session);
        else if (session.role === 'applicant' && applicant !== undefined)
            applicant.session = session;
        return '';
    } catch (problem) {
        return problemText(problem);
    }
}
