// SPDX-License-Identifier: MIT
import {announce, fill, h} from '../lib/dom.js';
import {icon} from './icons.js';
import {toastError} from './toast.js';

/**
 * button('Scan', {kind: 'primary', icon: 'search', run: async () => {...}}). While a promise of `run` is open the button is
 * busy; when it is rejected the error is shown.
 * kind: "primary", "plain" (default), "quiet" (no frame), "danger". Further properties go to the element.
 */
export function button(text, {kind = 'plain', icon: name, run, class: more, ...properties} = {}) {
  const element = h('button', {type: 'button', class: ['button', kind, more], ...properties}, name && icon(name), h('span', {}, text));
  if (run) onClick(element, run);
  return element;
}

/** A button that shows only an icon; `label` is its name and its tooltip. */
export function iconButton(name, label, {run, class: more, ...properties} = {}) {
  const element = h('button', {type: 'button', class: ['button', 'quiet', 'only-icon', more], 'aria-label': label, title: label, ...properties}, icon(name));
  if (run) onClick(element, run);
  return element;
}

function onClick(element, run) {
  element.addEventListener('click', (event) => {
    const running = run(event);
    if (typeof running?.then === 'function') busyWhile(element, running).catch((error) => toastError(error));
  });
}

/** Marks an element busy (and takes no second click) until the promise is settled. Focus stays where it is. */
export async function busyWhile(element, promise) {
  const stop = (event) => {
    event.stopImmediatePropagation();
    event.preventDefault();
  };
  element.setAttribute('aria-busy', 'true');
  element.setAttribute('aria-disabled', 'true');
  element.addEventListener('click', stop, {capture: true});
  try {
    return await promise;
  } finally {
    element.removeEventListener('click', stop, {capture: true});
    element.removeAttribute('aria-busy');
    element.removeAttribute('aria-disabled');
  }
}

/** Copies what text() gives; says so on itself for two seconds. */
export function copyButton(text, label = 'Copy') {
  const element = button(label, {kind: 'plain', icon: 'copy', class: 'copy'});
  element.addEventListener('click', async () => {
    const done = await copy(text());
    fill(element, icon(done ? 'check' : 'warning'), h('span', {}, done ? 'Copied' : 'Press Ctrl+C'));
    announce(done ? 'Copied' : 'Copying is not possible here');
    setTimeout(() => fill(element, icon('copy'), h('span', {}, label)), 2000);
  });
  return element;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;  // not on a plain-http address other than loopback
  }
}

/** A switch: toggle({label, checked, run(checked)}). A promise that run() rejects puts it back. */
export function toggle({label, checked = false, run, describedBy, hideLabel = false, disabled = false}) {
  const box = h('input', {type: 'checkbox', role: 'switch', class: 'switch', checked, disabled,
    'aria-describedby': describedBy, 'aria-label': hideLabel ? label : null});
  box.addEventListener('change', async () => {
    const wanted = box.checked;
    box.disabled = true;
    try {
      await run(wanted);
    } catch {
      box.checked = !wanted;
    } finally {
      box.disabled = false;
      box.focus();
    }
  });
  return hideLabel ? box : h('label', {class: 'toggle'}, box, h('span', {}, label));
}
