/* dom.js: making and finding elements. Text goes in as text, never as HTML. */

/* el('p', { class: 'help', onclick: f }, 'text', child): properties that begin
 * with "on" are listeners, true and false are attributes there or not. */
export function el(name, properties = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
        if (key.startsWith('on'))
            element.addEventListener(key.slice(2), value);
        else if (value === true)
            element.setAttribute(key, '');
        else if (value !== false && value !== null && value !== undefined)
            element.setAttribute(key, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
}

export const byId = (id) => document.getElementById(id);

const SVG = 'http://www.w3.org/2000/svg';
const SIGNS = {
    good: 'M4 13l5 5L20 6',
    bad: 'M5 5l14 14M19 5L5 19',
    warn: 'M12 4v10M12 18v2',
    wait: 'M12 6v6l4 3M12 2a10 10 0 1 0 .01 0',
    card: 'M3 5h18v14H3zM7 10h4M7 14h4M14 9h4v5h-4z',
    face: 'M12 3a7 8 0 1 0 .01 0M9 10v.01M15 10v.01M9.500 14c1.500 1.300 3.500 1.300 5 0',
    phone: 'M7 2h10v20H7zM11 18h2',
    left: 'M20 12H4M11 5l-7 7 7 7',
};

/* A sign that says in form what the words beside it say. */
export function sign(name, className = '') {
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('fill', 'none');
    svg.setAttribute('stroke', 'currentColor');
    svg.setAttribute('stroke-width', '2.5');
    svg.setAttribute('stroke-linecap', 'round');
    svg.setAttribute('stroke-linejoin', 'round');
    svg.setAttribute('aria-hidden', 'true');
    svg.setAttribute('class', className);
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', SIGNS[name]);
    svg.append(path);
    return svg;
}

/* Runs a button's work once at a time; the button cannot be pressed meanwhile. */
export async function busy(button, work) {
    button.disabled = true;
    button.setAttribute('aria-busy', 'true');
    try {
        return await work();
    } finally {
        button.disabled = false;
        button.removeAttribute('aria-busy');
    }
}

/* Shows what a region has to say; an empty text hides it. */
export function say(element, text, kind = '') {
    element.textContent = text;
    element.hidden = text === '';
    element.classList.remove('good', 'bad', 'warn');
    if (kind !== '')
        element.classList.add(kind);
}
