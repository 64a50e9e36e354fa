// SPDX-License-Identifier: MIT
// A list of which only the rows in view exist: 100,000 rows scroll like 20. All rows have one height (--row-height of the list).
import {h, oncePerFrame, setAttribute} from './dom.js';

const TALLEST = 15_000_000;  // px; browsers lay nothing out beyond about 17 million

/**
 * A scrolling table by roles, for rows of one height.
 *
 *   const list = new VirtualList({label: 'History', head: headRow, render: (index, row) => {...}});
 *   list.setCount(100000);
 *
 * render(index, row): fills `row` (a div with role "row", emptied before it shows another index) and is called again by refresh().
 * head: an element with role "row" that stays on top. onrange(first, last): the rows that are now in the document, last exclusive.
 * role: "table" by default; the scrolling box takes the focus, so that the keyboard scrolls it. The row that has the focus stays in
 * the document even when it is scrolled away, so that the focus is never lost.
 */
export class VirtualList {
  #count = 0;
  #first = 0;
  #last = 0;
  #height = 0;
  #rows = new Map();
  #render;
  #onrange;
  #body;
  #overscan;
  #draw;
  #watcher;

  constructor({label, head = null, render, onrange = () => {}, overscan = 12, role = 'table', class: more = ''}) {
    this.#render = render;
    this.#onrange = onrange;
    this.#overscan = overscan;
    this.#draw = oncePerFrame(() => this.#place());
    this.#body = h('div', {class: 'virtual-body', role: 'rowgroup'});
    this.box = h('div', {class: 'virtual-box', tabindex: '0', role, 'aria-label': label},
      head && h('div', {class: 'virtual-head', role: 'rowgroup'}, head), this.#body);
    this.node = h('div', {class: ['virtual-list', more]}, this.box);
    this.box.addEventListener('scroll', this.#draw, {passive: true});
    this.#watcher = new ResizeObserver(() => {
      this.#height = 0;
      this.#draw();
    });
    this.#watcher.observe(this.box);
  }

  /** To be called when the page is left. */
  close() {
    this.#watcher.disconnect();
  }

  get count() {
    return this.#count;
  }

  /** The row at the upper edge, and the px of it that are scrolled away. */
  get position() {
    const height = this.rowHeight;
    return height === 0 ? {index: 0, offset: 0} : {index: Math.floor(this.box.scrollTop / height), offset: this.box.scrollTop % height};
  }

  get rowHeight() {
    if (this.#height === 0 && this.node.isConnected) this.#height = Number.parseFloat(getComputedStyle(this.node).getPropertyValue('--row-height')) || 40;
    return this.#height || 40;
  }

  /** The most rows that can be scrolled to. */
  get most() {
    return Math.floor(TALLEST / this.rowHeight);
  }

  setCount(count) {
    this.#count = count;
    setAttribute(this.box, 'aria-rowcount', count + 1);
    this.#draw();
  }

  /** Renders the rows in view again: what they show has changed. */
  refresh() {
    for (const [index, row] of this.#rows) this.#render(index, row);
  }

  scrollTo({index, offset = 0}) {
    this.box.scrollTop = index * this.rowHeight + offset;
    this.#draw();
  }

  /** The element of a row, when it is in the document. */
  row(index) {
    return this.#rows.get(index) ?? null;
  }

  #place() {
    const height = this.rowHeight;
    const total = `${Math.min(this.#count * height, TALLEST)}px`;
    if (this.#body.style.height !== total) this.#body.style.height = total;
    const view = this.box.clientHeight;
    if (view === 0) return;
    const top = this.box.scrollTop;
    const first = Math.max(0, Math.floor(top / height) - this.#overscan);
    const last = Math.min(this.#count, this.most, Math.ceil((top + view) / height) + this.#overscan);
    const free = [];
    for (const [index, row] of this.#rows) {
      if (index >= first && index < last) continue;
      if (index < this.#count && row.contains(document.activeElement)) continue;
      this.#rows.delete(index);
      free.push(row);
    }
    // Rows that left the view come back as those that enter it: no element is made while scrolling. The order in the document
    // stays that of the list, for screen readers and the tab key.
    let next = null;
    for (const [index, row] of this.#rows) if (index >= last) next = row;
    for (let index = last - 1; index >= first; index -= 1) {
      let row = this.#rows.get(index);
      if (!row) {
        row = free.pop() ?? h('div', {class: 'virtual-row', role: 'row'});
        row.replaceChildren();
        setAttribute(row, 'aria-rowindex', index + 2);
        row.style.transform = `translateY(${index * height}px)`;
        this.#rows.set(index, row);
        this.#body.insertBefore(row, next);
        this.#render(index, row);
      }
      next = row;
    }
    for (const row of free) row.remove();
    if (first !== this.#first || last !== this.#last) {
      this.#first = first;
      this.#last = last;
      this.#onrange(first, last);
    }
  }
}
