/* words.js: codes of the API in the words of whoever looks at the page. */
import { has, t } from './i18n.js';

export function problemText(problem) {
    const key = `problem.${problem.code}`;
    if (problem.code === 'field_invalid' && has(`problem.field.${problem.field}`))
        return t(`problem.field.${problem.field}`);
    if (has(key))
        return t(key);
    if (problem.status >= 500)
        return t('problem.unavailable');
    return t('problem.other', { id: problem.requestId || problem.code });
}

/* What is wrong with a photo and what to do. */
export function reasonText(reason) {
    const photo = t(has(`photo.${reason.photo}`) ? `photo.${reason.photo}` : 'photo.any');
    return has(`reason.${reason.code}`) ? t(`reason.${reason.code}`, { photo }) : reason.message;
}

/* A word of the API, or the word itself where there is none for it. */
export function word(group, name) {
    return has(`${group}.${name}`) ? t(`${group}.${name}`) : String(name).replaceAll('_', ' ');
}
