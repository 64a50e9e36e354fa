// SPDX-License-Identifier: MIT
import {fill, freshId, h, setAttribute} from '../lib/dom.js';

/**
 * tabs([{id, title, render(panel)}], {label, selected, onselect}) -> element with select(id).
 * Arrow keys, Home and End move between the tabs; a panel is rendered when it is first shown.
 */
export function tabs(list, {label, selected = list[0].id, onselect} = {}) {
  const prefix = freshId('tabs');
  const panel = h('div', {class: 'tab-panel', role: 'tabpanel', id: `${prefix}-panel`, tabindex: 0});
  const buttons = list.map((tab) => h('button', {type: 'button', role: 'tab', class: 'tab', id: `${prefix}-${tab.id}`, 'aria-controls': panel.id,
    onclick: () => element.select(tab.id)}, tab.title));
  const bar = h('div', {class: 'tab-bar', role: 'tablist', 'aria-label': label}, buttons);
  const element = h('div', {class: 'tabs'}, bar, panel);
  element.select = (id) => {
    const at = list.findIndex((tab) => tab.id === id);
    buttons.forEach((one, index) => {
      setAttribute(one, 'aria-selected', String(index === at));
      one.tabIndex = index === at ? 0 : -1;
    });
    buttons[at].scrollIntoView({block: 'nearest', inline: 'nearest'});
    setAttribute(panel, 'aria-labelledby', buttons[at].id);
    fill(panel);
    list[at].render(panel);
    onselect?.(id);
  };
  bar.addEventListener('keydown', (event) => {
    const now = buttons.indexOf(document.activeElement);
    const next = {ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: buttons.length - 1}[event.key];
    if (next === undefined || now < 0) return;
    event.preventDefault();
    const at = (next + buttons.length) % buttons.length;
    element.select(list[at].id);
    buttons[at].focus();
  });
  element.select(selected);
  return element;
}
