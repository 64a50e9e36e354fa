// SPDX-License-Identifier: MIT
// What every plot has around it: title, legend that filters, the state (loading, nothing, an error), the numbers as a table.
import {fill, freshId, h, reconcile, setAttribute, setText} from '../dom.js';

const SCREEN = {loading: 'loading', empty: 'empty', failed: 'failed', shown: 'shown'};

/** The rows of a readout, also used under the pointer: a swatch, a name, a number. */
export const swatch = (colour) => h('span', {class: ['plot-swatch', colour], 'aria-hidden': 'true'});

/**
 * A figure with a stage (`stage`, for the drawing), a legend and a table.
 * onFilter() runs when a series is shown or hidden; tableOf() gives {head: [text], rows: [[text]]} when the table is open.
 */
export class PlotFrame {
  #hidden = new Set();
  #keys = [];
  #table;
  #message;
  #written = '';
  #onFilter;
  #tableOf;

  constructor({title, note = '', onFilter, tableOf, legend = true, level = 3}) {
    this.#onFilter = onFilter;
    this.#tableOf = tableOf;
    this.titleId = freshId('plot');
    this.stage = h('div', {class: 'plot-stage'});
    this.#message = h('div', {class: 'plot-message', hidden: true});
    this.legend = legend ? h('div', {class: 'plot-legend', role: 'group', 'aria-label': `Shown in ${title}`}) : null;
    this.#table = h('details', {class: 'plot-table', ontoggle: () => this.writeTable()},
      h('summary', {}, 'As a table', h('span', {class: 'unseen'}, `: ${title}`)),
      h('div', {class: 'plot-table-scroll', role: 'region', tabindex: '0', 'aria-label': `${title}, as a table`}));
    this.note = h('p', {class: 'plot-note', hidden: !note}, note);
    this.node = h('figure', {class: 'plot', 'aria-labelledby': this.titleId, 'data-state': SCREEN.loading},
      h('figcaption', {class: 'plot-head'}, h(`h${level}`, {id: this.titleId, class: 'plot-title'}, title), this.note),
      h('div', {class: 'plot-box'}, this.stage, this.#message), this.legend, this.#table);
    this.loading();
  }

  #state(state, ...content) {
    this.node.dataset.state = state;
    setAttribute(this.node, 'aria-busy', state === SCREEN.loading ? 'true' : null);
    this.#message.hidden = state === SCREEN.shown;
    this.stage.hidden = state !== SCREEN.shown;
    this.#table.hidden = state !== SCREEN.shown;
    if (this.legend) this.legend.hidden = state !== SCREEN.shown;
    fill(this.#message, content);
  }

  loading() {
    this.#state(SCREEN.loading, h('span', {class: 'plot-skeleton', 'aria-hidden': 'true'}), h('span', {class: 'unseen'}, 'Loading'));
  }

  empty(text) {
    this.#state(SCREEN.empty, h('p', {}, text));
  }

  failed(text, again) {
    this.#state(SCREEN.failed, h('p', {role: 'alert'}, text), again && h('button', {type: 'button', class: 'button plain', onclick: again}, 'Try again'));
  }

  shown() {
    if (this.node.dataset.state !== SCREEN.shown) this.#state(SCREEN.shown);
  }

  setNote(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  isHidden(key) {
    return this.#hidden.has(key);
  }

  /** Writes the legend: [{key, label, colour, text}]. */
  writeLegend(entries) {
    if (!this.legend) return;
    this.#keys = entries.map((one) => one.key);
    for (const key of this.#hidden) if (!this.#keys.includes(key)) this.#hidden.delete(key);
    reconcile(this.legend, entries, (one) => one.key, ({key}) => h('button',
      {type: 'button', class: 'plot-legend-entry', onclick: () => this.#toggle(key)},
      h('span', {'aria-hidden': 'true'}), h('span', {class: 'plot-legend-name'}), h('span', {class: 'plot-legend-value'})),
    (button, {key, label, colour, text}) => {
      const [mark, name, value] = button.children;
      setAttribute(mark, 'class', `plot-swatch ${colour}`);
      setText(name, label);
      setText(value, text);
      setAttribute(button, 'title', label);
      setAttribute(button, 'aria-pressed', this.#hidden.has(key) ? 'false' : 'true');
    });
  }

  #toggle(key) {
    if (!this.#hidden.delete(key)) this.#hidden.add(key);
    // Nothing shown is never what somebody wants: the last one brings all back.
    if (this.#hidden.size === this.#keys.length) this.#hidden.clear();
    this.#onFilter();
  }

  writeTable() {
    if (!this.#table.open || !this.#tableOf) return;
    const {head, rows} = this.#tableOf();
    // Unchanged numbers are left alone: somebody may be reading them.
    const text = JSON.stringify([head, rows]);
    if (text === this.#written) return;
    this.#written = text;
    fill(this.#table.lastElementChild, h('table', {},
      h('thead', {}, h('tr', {}, head.map((text) => h('th', {scope: 'col'}, text)))),
      h('tbody', {}, rows.map((row) => h('tr', {}, row.map((text, i) => (i === 0 ? h('th', {scope: 'row'}, text) : h('td', {}, text))))))));
  }
}
