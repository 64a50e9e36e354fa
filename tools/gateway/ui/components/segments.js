// SPDX-License-Identifier: MIT
// A choice of a few, all in sight: radio buttons, hence arrow keys and the right words for screen readers.
import {freshId, h} from '../lib/dom.js';

/** segments({label, value, options: [[value, text]], run(value)}) -> element with select(value). */
export function segments({label, value, options, run}) {
  const name = freshId('segments');
  const inputs = options.map(([option]) => h('input', {type: 'radio', name, value: option, checked: option === value, class: 'unseen', onchange: () => run(option)}));
  const element = h('fieldset', {class: 'segments'}, h('legend', {class: 'unseen'}, label),
    options.map(([, text], i) => h('label', {class: 'segment'}, inputs[i], h('span', {}, text))));
  element.select = (wanted) => { for (const input of inputs) input.checked = input.value === wanted; };
  return element;
}
