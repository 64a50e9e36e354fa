// SPDX-License-Identifier: MIT
// Short messages in a corner. What went well goes by itself; what went wrong stays until it is closed.
import {h} from '../lib/dom.js';
import {iconButton} from './button.js';

/** toast('Scanned 4 logins', {kind: 'good' | 'bad' | 'note', hint}) */
export function toast(text, {kind = 'good', hint = ''} = {}) {
  const place = document.getElementById('toasts');
  const element = h('div', {class: ['toast', kind], role: kind === 'bad' ? 'alert' : 'status'},
      h('div', {class: 'toast-text'}, h('p', {}, text), hint && h('p', {class: 'muted'}, hint)));
  const close = () => element.remove();
  element.append(iconButton('close', 'Close this message', {run: close}));
  while (place.childElementCount > 3) place.firstElementChild.remove();
  place.append(element);
  if (kind !== 'bad') {
    let timer = setTimeout(close, 6000);
    element.addEventListener('pointerenter', () => clearTimeout(timer));
    element.addEventListener('pointerleave', () => { timer = setTimeout(close, 3000); });
  }
  return close;
}

/** Shows an error of a call. Errors of being signed out are shown by the shell, aborted calls by nobody. */
export function toastError(error, doing = '') {
  if (error.name === 'AbortError' || error.kind === 'signed-out') return;
  toast(doing ? `${doing}: ${error.message}` : error.message, {kind: 'bad', hint: error.hint ?? ''});
}
