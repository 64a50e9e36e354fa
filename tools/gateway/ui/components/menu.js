// SPDX-License-Identifier: MIT
// A menu button over the browser's own popover: closes on Escape and on a click elsewhere.
import {freshId, h} from '../lib/dom.js';
import {icon} from './icons.js';

/** menuButton('More actions', () => [{text, run, danger, disabled, why}], {icon}): the items are asked for when it opens. */
export function menuButton(label, items, {icon: name = 'more', text = ''} = {}) {
  const id = freshId('menu');
  const opener = h('button', {type: 'button', class: ['button', text ? 'plain' : 'quiet only-icon'], 'aria-haspopup': 'menu', 'aria-expanded': false,
    'aria-label': text ? null : label, title: text ? null : label}, icon(name), text && h('span', {}, text));
  opener.addEventListener('click', () => open(opener, id, label, items()));
  return opener;
}

function open(opener, id, label, items) {
  document.getElementById(id)?.remove();
  const buttons = items.map((item) => h('button', {type: 'button', role: 'menuitem', tabindex: -1, class: ['menu-item', item.danger && 'danger'],
    'aria-disabled': item.disabled ? 'true' : null, title: item.why ?? '',
    onclick: () => {
      if (item.disabled) return;
      menu.hidePopover();
      item.run();
    }}, item.text));
  const menu = h('div', {id, class: 'menu', role: 'menu', popover: 'auto', 'aria-label': label}, buttons);
  menu.addEventListener('toggle', (event) => {
    if (event.newState === 'open') return;
    opener.setAttribute('aria-expanded', 'false');
    if (menu.contains(document.activeElement) || document.activeElement === document.body) opener.focus();
    menu.remove();
  });
  menu.addEventListener('keydown', (event) => {
    const at = buttons.indexOf(document.activeElement);
    const next = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1}[event.key];
    if (event.key === 'Tab') menu.hidePopover();
    if (next === undefined) return;
    event.preventDefault();
    buttons[(next + buttons.length) % buttons.length].focus();
  });
  // In the top layer, yet inside the dialog that is open: a modal dialog makes all else inert.
  (opener.closest('dialog') ?? document.body).append(menu);
  menu.showPopover();
  opener.setAttribute('aria-expanded', 'true');
  const button = opener.getBoundingClientRect();
  const own = menu.getBoundingClientRect();
  const left = Math.max(8, Math.min(button.right - own.width, innerWidth - own.width - 8));
  const below = button.bottom + 4 + own.height < innerHeight - 8;
  menu.style.left = `${left}px`;
  menu.style.top = `${below ? button.bottom + 4 : Math.max(8, button.top - 4 - own.height)}px`;
  buttons[0]?.focus();
}
