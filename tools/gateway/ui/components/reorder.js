// SPDX-License-Identifier: MIT
// A list put in order by dragging its handles, by buttons, or by the arrow keys on a handle.
import {announce, h, setAttribute, svg} from '../lib/dom.js';
import {iconButton} from './button.js';

const grip = () => svg('svg', {class: 'icon grip', viewBox: '0 0 20 20', 'aria-hidden': 'true'},
  [5, 10, 15].flatMap((y) => [svg('circle', {cx: 7, cy: y, r: 1.4}), svg('circle', {cx: 13, cy: y, r: 1.4})]));

/**
 * reorder({label, run(keys)}) -> element with show(items): [{key, name, content: [nodes]}], in order.
 * run(keys) is called after each move with the new order. The element that is moved stays in the document while others pass it: it
 * keeps the pointer and the focus.
 */
export function reorder({label, run}) {
  const element = h('ol', {class: 'reorder', 'aria-label': label});
  const keys = () => [...element.children].map((row) => row.dataset.key);

  function number() {
    const rows = [...element.children];
    rows.forEach((row, i) => {
      setAttribute(row.querySelector('.handle'), 'aria-label', `Move ${row.dataset.name}, place ${i + 1} of ${rows.length}; use the arrow keys`);
      const [up, down] = row.querySelectorAll('.reorder-step');
      setAttribute(up, 'aria-disabled', i === 0 ? 'true' : null);
      setAttribute(down, 'aria-disabled', i === rows.length - 1 ? 'true' : null);
    });
  }

  /** One place up (-1) or down (1); the neighbour is what moves. */
  function pass(row, step) {
    const other = step < 0 ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return false;
    if (step < 0) row.after(other);
    else row.before(other);
    return true;
  }

  function step(row, by) {
    if (!pass(row, by)) return;
    number();
    announce(`${row.dataset.name}: place ${keys().indexOf(row.dataset.key) + 1} of ${element.children.length}`);
    run(keys());
  }

  function drag(row, handle, event) {
    if (event.button !== 0) return;
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
    row.classList.add('dragged');
    const before = keys().join('\n');
    // A third of a neighbour is enough to pass it; after that it is a whole row away, so nothing flickers.
    const at = (other, part) => other.getBoundingClientRect().top + other.offsetHeight * part;
    const move = ({clientY}) => {
      while (row.previousElementSibling && clientY < at(row.previousElementSibling, 2 / 3)) pass(row, -1);
      while (row.nextElementSibling && clientY > at(row.nextElementSibling, 1 / 3)) pass(row, 1);
    };
    const end = () => {
      handle.removeEventListener('pointermove', move);
      row.classList.remove('dragged');
      number();
      if (keys().join('\n') !== before) run(keys());
    };
    handle.addEventListener('pointermove', move);
    handle.addEventListener('lostpointercapture', end, {once: true});
  }

  function rowOf({key, name, content}) {
    const handle = h('button', {type: 'button', class: 'handle'}, grip());
    const row = h('li', {class: 'reorder-row', dataset: {key, name}}, handle, h('div', {class: 'reorder-content'}, content),
      iconButton('up', `Move ${name} up`, {class: 'reorder-step', run: () => step(row, -1)}),
      iconButton('down', `Move ${name} down`, {class: 'reorder-step', run: () => step(row, 1)}));
    handle.addEventListener('pointerdown', (event) => drag(row, handle, event));
    handle.addEventListener('keydown', (event) => {
      const by = {ArrowUp: -1, ArrowDown: 1}[event.key];
      if (!by) return;
      event.preventDefault();
      step(row, by);
    });
    return row;
  }

  element.show = (items) => {
    element.replaceChildren(...items.map(rowOf));
    number();
  };
  return element;
}
