// SPDX-License-Identifier: MIT
// A native modal dialog: the browser keeps the focus inside and gives it back; Escape closes.
import {fill, freshId, h} from '../lib/dom.js';
import {button, iconButton} from './button.js';

/**
 * openDialog({title, body, actions, wide, onclose}) -> {element, heading, body, foot, close(value), closed: Promise<value>, setTitle(text)}
 * `mayClose()` false keeps it open against Escape and the cross (what runs is then to be cancelled by its own button).
 */
export function openDialog({title, body = [], actions = [], wide = false, class: more, onclose, mayClose = () => true}) {
  const name = freshId('dialog');
  const heading = h('h2', {id: name, tabindex: -1}, title);
  const content = h('div', {class: 'dialog-body'}, body);
  const foot = h('div', {class: 'dialog-foot'}, actions);
  const cross = iconButton('close', 'Close', {class: 'cross'});
  const element = h('dialog', {class: ['dialog', wide && 'wide', more], 'aria-labelledby': name},
      h('div', {class: 'dialog-head'}, heading, cross), content, foot);
  let value;
  let end;
  const closed = new Promise((resolve) => { end = resolve; });
  const close = (result) => {
    value = result;
    element.close();
  };
  const wish = () => { if (mayClose()) close(undefined); };
  cross.addEventListener('click', wish);
  element.addEventListener('cancel', (event) => {
    if (event.target !== element) return;
    event.preventDefault();
    wish();
  });
  element.addEventListener('close', () => {
    element.remove();
    onclose?.(value);
    end(value);
  });
  document.body.append(element);
  element.showModal();
  (element.querySelector('[autofocus]') ?? heading).focus();
  return {element, heading, body: content, foot, close, closed, setTitle: (text) => fill(heading, text)};
}

/** Asks before something that cannot be undone. -> Promise<boolean>; Cancel has the focus. */
export async function confirm({title, text, action, danger = true}) {
  const dialog = openDialog({
    title,
    class: 'confirm',
    body: (Array.isArray(text) ? text : [text]).map((one) => (one instanceof Node ? one : h('p', {}, one))),
    actions: [
      button('Cancel', {run: () => dialog.close(false), autofocus: true}),
      button(action, {kind: danger ? 'danger' : 'primary', run: () => dialog.close(true)}),
    ],
  });
  return (await dialog.closed) === true;
}
