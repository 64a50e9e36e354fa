// SPDX-License-Identifier: MIT
// The server's time, and every <time> element that lives by it. One timer for the whole page.
import {absolute, duration, instant, relative} from './format.js';
import {h, setText} from './dom.js';

let ahead = 0;

/** The server's now, ms since 1970. */
export const now = () => Date.now() + ahead;

/** Tells the server's time, as an answer carried it. Small differences are the network's. */
export function setServerTime(time) {
  const at = instant(time);
  if (at === null) return;
  const difference = at - Date.now();
  ahead = Math.abs(difference) > 1500 ? difference : 0;
}

const FORMS = {
  ago: (time, at) => relative(time, at),
  // Counted down in the last hour: "12 min 4 s", "in 9 d", "3 h ago".
  expiry: (time, at) => (time > at && time - at < 3_600_000 ? duration(time - at) : relative(time, at)),
  // What comes after the end is the caller's business.
  left: (time, at, over) => (time <= at ? over : duration(time - at)),
};

function write(element, at) {
  const time = Number(element.dataset.time);
  setText(element, FORMS[element.dataset.form](time, at, element.dataset.over ?? '0\u00a0s'));
}

/** Shows another time in an element of liveTime(). */
export function setLiveTime(element, time) {
  const at = instant(time);
  if (at === null) {
    delete element.dataset.form;
    element.removeAttribute('title');
    element.removeAttribute('datetime');
    setText(element, element.dataset.none ?? '');
    return;
  }
  if (element.dataset.time === String(at) && element.dataset.form === element.dataset.shape) return;
  element.dataset.time = String(at);
  element.dataset.form = element.dataset.shape;
  element.setAttribute('datetime', new Date(at).toISOString());
  element.title = absolute(at);
  write(element, now());
}

/**
 * A <time> that stays right by itself, with the absolute time as its title.
 * form "ago" ("3 min ago", "in 2 h"), "expiry" or "left" ("2 h 4 min", then `over`); `none` is shown for no time.
 */
export function liveTime(time, {form = 'ago', over = '0\u00a0s', none = '', ...properties} = {}) {
  const element = h('time', {...properties, dataset: {shape: form, over, none}});
  setLiveTime(element, time);
  return element;
}

const tickers = new Set();

/** run(now) each second until the returned function is called. */
export function everySecond(run) {
  tickers.add(run);
  return () => tickers.delete(run);
}

setInterval(() => {
  if (document.hidden) return;
  const at = now();
  for (const element of document.querySelectorAll('time[data-form]')) write(element, at);
  for (const run of tickers) run(at);
}, 1000);
