/* consent_version.js: which text people agree to: consent.* in text/. Whoever
 * changes what it says gives it another version here. */
export const CONSENT_VERSION = '2026-11';
