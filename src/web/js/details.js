/* details.js: name, ID number and last valid day, judged while they are typed. A
 * mistake is told when the field is left, what is right at once. */
import { byId, say } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { judgeNumber, tidyNumber } from './idnumber.js';

function mark(input, help, text, kind) {
    say(help, text, kind);
    input.setAttribute('aria-invalid', String(kind === 'bad'));
}

/* One field with the ID number; used wherever one is asked for. Returns what
 * says whether it is good, and shows it when it is not. */
export function numberField(input, help) {
    const show = (leaving) => {
        const verdict = judgeNumber(input.value);
        const typing = !leaving && ['empty', 'short'].includes(verdict);
        const digits = tidyNumber(input.value).length;
        if (verdict === 'good')
            mark(input, help, t('number.good'), 'good');
        else if (typing)
            mark(input, help, digits === 0 ? t('number.help') : t('number.left', { n: 18 - digits }), '');
        else
            mark(input, help, t(`number.${verdict}`), 'bad');
        return verdict === 'good';
    };
    input.addEventListener('input', () => show(false));
    input.addEventListener('blur', () => {
        if (input.value !== '')
            input.value = tidyNumber(input.value);
        show(input.value !== '');
    });
    onLanguage(() => show(false));
    return () => show(true);
}

function nameGood(input, help) {
    const good = input.value.trim() !== '' && new TextEncoder().encode(input.value.trim()).length <= 128;
    mark(input, help, t(good ? 'details.name.help' : 'details.name.needed'), good ? '' : 'bad');
    return good;
}

function untilGood(input, help) {
    const past = input.value !== '' && Date.parse(`${input.value}T23:59:59Z`) < Date.now();
    mark(input, help, t(past ? 'details.until.past' : 'details.until.help'), past ? 'bad' : '');
    return !past && !input.validity.badInput;
}

/* done({ name, id_number, valid_until? }). */
export function askDetails(done) {
    const [name, number, until] = ['name', 'number', 'until'].map(byId);
    const helps = ['name-help', 'number-help', 'until-help'].map(byId);
    const numberGood = numberField(number, helps[1]);
    name.addEventListener('blur', () => name.value !== '' && nameGood(name, helps[0]));
    until.addEventListener('change', () => untilGood(until, helps[2]));
    onLanguage(() => {
        mark(name, helps[0], t('details.name.help'), '');
        mark(until, helps[2], t('details.until.help'), '');
    });
    byId('details').addEventListener('submit', (event) => {
        event.preventDefault();
        const judged = [[name, nameGood(name, helps[0])], [number, numberGood()], [until, untilGood(until, helps[2])]];
        const wrong = judged.find(([, good]) => !good);
        if (wrong !== undefined) {
            wrong[0].focus();
            return;
        }
        done({ name: name.value.trim(), id_number: tidyNumber(number.value),
            ...(until.value === '' ? {} : { valid_until: until.value }) });
    });
}
