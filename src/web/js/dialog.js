/* dialog.js: asks before something that cannot be undone, or is not meant. */
import { el } from './dom.js';
import { t } from './i18n.js';

/* true when the person says yes. extra: an element between text and buttons. */
export function confirmed({ title, text, yes, danger = true, extra = null }) {
    return new Promise((resolve) => {
        const head = el('h2', { id: 'dialog-title' }, title);
        const form = el('form', { method: 'dialog' }, head, el('p', {}, text), extra,
            el('div', { class: 'actions' },
                el('button', { class: danger ? 'button refuse' : 'button main', value: 'yes' }, yes),
                el('button', { class: 'button', value: 'no', autofocus: true, formnovalidate: true }, t('common.cancel'))));
        const dialog = el('dialog', { 'aria-labelledby': 'dialog-title' }, form);
        dialog.addEventListener('close', () => {
            dialog.remove();
            resolve(dialog.returnValue === 'yes');
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}
