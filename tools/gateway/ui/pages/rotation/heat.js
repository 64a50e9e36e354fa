// SPDX-License-Identifier: MIT
// Which credential served when: a row each, a cell for each minute, the darker the more requests.
import {fill, h, setAttribute, setText, svg} from '../../lib/dom.js';
import {number, plural} from '../../lib/format.js';
import {VirtualList} from '../../lib/virtual_list.js';

const LEVELS = 5;
const clock = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'});

/** The time of a minute in the reader's zone. */
export const minuteOf = (time) => clock.format(time);

/** A strip list. show({times, rows: [{id, profileId, requests, failed, tokens, total, failures}]}) -> redraws. */
export class HeatStrips {
  #times = [];
  #rows = [];
  #most = 1;
  #at = null;  // {row, minute} that is read out
  #list;

  constructor() {
    this.readout = h('p', {class: 'heat-readout number', role: 'status'});
    this.scale = h('p', {class: 'heat-scale small muted'});
    this.#list = new VirtualList({
      label: 'Requests of each credential by minute; the arrow keys read single minutes', role: 'grid', class: 'heat-list',
      head: this.#head(), render: (index, row) => this.#render(index, row),
    });
    const {box} = this.#list;
    box.addEventListener('pointermove', (event) => this.#point(event));
    box.addEventListener('pointerdown', (event) => this.#point(event));
    box.addEventListener('pointerleave', (event) => { if (event.pointerType !== 'touch') this.#read(null); });
    box.addEventListener('keydown', (event) => this.#key(event));
    box.addEventListener('blur', () => this.#read(null));
    this.node = h('div', {class: 'heat'}, this.#list.node, h('div', {class: 'row between heat-foot'}, this.readout, this.scale));
    this.#read(null);
  }

  #head() {
    this.axis = h('span', {role: 'columnheader', class: 'heat-axis'});
    return h('div', {class: 'heat-row heat-head', role: 'row'}, h('span', {role: 'columnheader'}, 'Credential'), this.axis, h('span', {role: 'columnheader', class: 'number'}, 'Sum'));
  }

  close() {
    this.#list.close();
  }

  /** Whether somebody is reading a cell: rows should not change their places then. */
  get busy() {
    return this.#at !== null;
  }

  show({times, rows}) {
    this.#times = times;
    this.#rows = rows;
    this.#most = rows.reduce((most, row) => row.requests.reduce((a, b) => (a > b ? a : b), most), 1);
    this.#list.setCount(rows.length);
    this.#list.node.style.setProperty('--rows', String(Math.min(Math.max(rows.length, 3), 14)));
    this.#list.refresh();
    if (times.length > 0) fill(this.axis, h('span', {}, minuteOf(times[0])), h('span', {}, minuteOf(times[Math.floor(times.length / 2)])), h('span', {}, 'now'));
    fill(this.scale, '1', Array.from({length: LEVELS}, (_, i) => h('span', {class: `heat-swatch heat-${i + 1}`, 'aria-hidden': 'true'})), `${number(this.#most)} requests a minute`,
      h('span', {class: 'heat-swatch heat-failed-key', 'aria-hidden': 'true'}), 'some failed');
    if (this.#at) this.#read(this.#at);
  }

  #render(index, row) {
    const one = this.#rows[index];
    if (!one) return;
    row.classList.add('heat-row');
    if (row.childElementCount === 0) {
      row.append(h('span', {role: 'rowheader', class: 'clip'}), h('span', {role: 'gridcell', class: 'heat-cell'}, svg('svg', {class: 'heat-strip', role: 'img', preserveAspectRatio: 'none'})), h('span', {role: 'gridcell', class: 'number'}));
    }
    const [name, cell, total] = row.children;
    const strip = cell.firstElementChild;
    setText(name, one.profileId);
    setAttribute(name, 'title', one.profileId);
    setText(total, number(one.total));
    setAttribute(strip, 'viewBox', `0 0 ${one.requests.length * 10} 20`);
    setAttribute(strip, 'aria-label', `${plural(one.total, 'request')}${one.failures > 0 ? `, ${number(one.failures)} failed` : ''}`);
    // One path for each level, not one element for each minute.
    const paths = Array.from({length: LEVELS + 1}, () => '');
    let failed = '';
    one.requests.forEach((value, i) => {
      const level = value === 0 ? 0 : Math.max(1, Math.ceil((value / this.#most) * LEVELS));
      paths[level] += `M${i * 10} 0h9v20h-9z`;
      if (one.failed[i] > 0) failed += `M${i * 10} 14h9v6h-9z`;
    });
    fill(strip, paths.map((d, level) => d && svg('path', {class: `heat-${level}`, d})), failed && svg('path', {class: 'heat-failed', d: failed}),
      this.#at?.id === one.id && svg('rect', {class: 'heat-cursor', x: this.#at.minute * 10 - 0.5, y: 0, width: 10, height: 20}));
  }

  #point(event) {
    const strip = event.target.closest('.heat-cell');
    const row = event.target.closest('.virtual-row');
    if (!strip || !row) {
      this.#read(null);
      return;
    }
    const {left, width} = strip.getBoundingClientRect();
    const minute = Math.min(this.#times.length - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * this.#times.length)));
    this.#read({id: this.#rows[Number(row.getAttribute('aria-rowindex')) - 2]?.id, minute});
  }

  #key(event) {
    if (this.#rows.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.#times.length - 1;
    const row = Math.max(0, this.#rows.findIndex((one) => one.id === this.#at?.id));
    const minute = this.#at?.minute ?? last;
    const to = {
      ArrowLeft: [row, minute - 1], ArrowRight: [row, minute + 1], Home: [row, 0], End: [row, last],
      ArrowUp: [row - 1, minute], ArrowDown: [this.#at ? row + 1 : row, minute], PageUp: [row - 10, minute], PageDown: [row + 10, minute],
    }[event.key];
    if (event.key === 'Escape') this.#read(null);
    if (!to) return;
    event.preventDefault();
    const index = Math.min(this.#rows.length - 1, Math.max(0, to[0]));
    this.#read({id: this.#rows[index].id, minute: Math.min(last, Math.max(0, to[1]))});
    const {box, rowHeight} = this.#list;
    const top = index * rowHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + rowHeight * 2 > box.scrollTop + box.clientHeight) box.scrollTop = top + rowHeight * 2 - box.clientHeight;
  }

  #read(at) {
    const one = at && this.#rows.find((each) => each.id === at.id);
    const moved = this.#at?.id !== at?.id || this.#at?.minute !== at?.minute;
    this.#at = one ? at : null;
    setText(this.readout, one
      ? `${minuteOf(this.#times[at.minute])} ${one.profileId}: ${plural(one.requests[at.minute], 'request')}${one.failed[at.minute] > 0 ? `, ${number(one.failed[at.minute])} failed` : ''}${one.tokens[at.minute] > 0 ? `, ${plural(one.tokens[at.minute], 'token')}` : ''}`
      : 'Point at a minute to read it.');
    if (moved) this.#list.refresh();
  }
}
