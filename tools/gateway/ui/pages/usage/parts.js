// SPDX-License-Identifier: MIT
import {fill, h, setText} from '../../lib/dom.js';
import {button} from '../../components/button.js';
import {plural} from '../../lib/format.js';

/** A row of numbers with their names: figures(['Requests']).set(['12']). */
export function figures(names) {
  const values = names.map(() => h('dd', {class: 'number'}, '\u00a0'));
  const node = h('dl', {class: 'figures'}, names.map((name, i) => h('div', {class: 'figure'}, h('dt', {}, name), values[i])));
  return {node, set: (texts) => texts.forEach((text, i) => setText(values[i], text))};
}

const FIRST = 12;

/** A table whose first column names what the row is about; long ones show their head until asked for more. */
export function breakdown(head, rows) {
  const body = h('tbody');
  const line = (row) => h('tr', {}, row.map((text, i) => (i === 0 ? h('th', {scope: 'row', class: 'break', title: text}, text) : h('td', {class: 'number'}, text))));
  fill(body, rows.slice(0, FIRST).map(line));
  const more = rows.length > FIRST && button(`Show all ${plural(rows.length, 'row')}`, {kind: 'quiet', run: () => {
    fill(body, rows.map(line));
    more.remove();
  }});
  if (rows.length === 0) fill(body, h('tr', {}, h('td', {class: 'muted', colspan: head.length}, 'Nothing in this time.')));
  return [h('table', {class: 'table breakdown'}, h('thead', {}, h('tr', {}, head.map((text, i) => h('th', {scope: 'col', class: i > 0 ? 'number' : null}, text)))), body), more];
}
