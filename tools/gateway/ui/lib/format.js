// SPDX-License-Identifier: MIT
// Numbers, money and times as a person reads them.

const whole = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});
const short = new Intl.NumberFormat('en-US', {notation: 'compact', maximumFractionDigits: 1});
const dateTime = new Intl.DateTimeFormat(undefined, {dateStyle: 'medium', timeStyle: 'long'});
const dayOnly = new Intl.DateTimeFormat('en-US', {month: 'short', day: 'numeric'});

/** 12,345 */
export const number = (value) => whole.format(value ?? 0);

/** 12.3K */
export const compact = (value) => short.format(value ?? 0);

/** "1 key", "2 keys", "3 entries" (`many` when it is not just an s). */
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${Math.abs(count) === 1 ? one : many}`;

/** 42 % */
export const percent = (value) => `${Math.round(value ?? 0)}\u202f%`;

/** Dollars, a number or a decimal string; small sums keep the digits that say something: $0.0042. */
export function money(value) {
  const amount = Number(value ?? 0);
  if (!Number.isFinite(amount)) return '';
  const size = Math.abs(amount);
  const digits = size === 0 || size >= 1 ? 2 : Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(size))));
  const text = size.toLocaleString('en-US', {minimumFractionDigits: 2, maximumFractionDigits: digits});
  return `${amount < 0 ? '\u2212' : ''}$${text}`;
}

const UNITS = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];

/** A length of time in its two largest units: "2 d 4 h", "3 min 20 s", "8 s". */
export function duration(milliseconds) {
  let seconds = Math.max(0, Math.round(milliseconds / 1000));
  for (let unit = 0; unit < UNITS.length; unit += 1) {
    const [name, size] = UNITS[unit];
    if (seconds < size && name !== 's') continue;
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    const next = UNITS[unit + 1];
    const rest = next ? Math.floor(seconds / next[1]) : 0;
    return rest > 0 ? `${count}\u00a0${name} ${rest}\u00a0${next[0]}` : `${count}\u00a0${name}`;
  }
  return '0\u00a0s';
}

/** A length of time in its largest unit: "2 d", "3 min". */
export const roughDuration = (milliseconds) => duration(milliseconds).split(' ')[0];

/** ISO text or ms since 1970 as ms; null when there is none. */
export function instant(time) {
  if (time === null || time === undefined || time === '') return null;
  const value = typeof time === 'number' ? time : Date.parse(time);
  return Number.isNaN(value) ? null : value;
}

/** "just now", "3 min ago", "in 2 h", "" for none. */
export function relative(time, now) {
  const at = instant(time);
  if (at === null) return '';
  const gone = now - at;
  if (Math.abs(gone) < 5000) return 'just now';
  return gone > 0 ? `${roughDuration(gone)} ago` : `in ${roughDuration(-gone)}`;
}

/** The full date and time in the reader's zone. */
export function absolute(time) {
  const at = instant(time);
  return at === null ? '' : dateTime.format(at);
}

/** "Nov 21" of a day written 2026-11-21, whatever the reader's zone. */
export function day(text) {
  const [year, month, date] = text.split('-').map(Number);
  return dayOnly.format(new Date(year, month - 1, date));
}

/** "sha256:abc123" shortened for the eye. */
export const shortHash = (hash) => (hash ? `${hash.replace(/^sha256:/, '').slice(0, 10)}\u2026` : '');
