// SPDX-License-Identifier: MIT
import {freshId, h, setAttribute, setText} from '../lib/dom.js';

/** A labelled input: field({label, type, value, hint, placeholder, ...}) -> element with .input and .fail(text). */
export function field({label, hint = '', hideLabel = false, multiline = false, class: more, ...properties}) {
  const id = freshId('field');
  const input = h(multiline ? 'textarea' : 'input', {id, class: 'input', autocomplete: 'off', spellcheck: 'false', 'aria-describedby': `${id}-hint ${id}-error`, ...properties});
  const failure = h('p', {id: `${id}-error`, class: 'field-error', role: 'alert'});
  const element = h('div', {class: ['field', more]},
      h('label', {for: id, class: hideLabel ? 'unseen' : 'field-label'}, label), input,
      h('p', {id: `${id}-hint`, class: 'field-hint'}, hint), failure);
  element.input = input;
  element.fail = (text = '') => {
    setText(failure, text);
    setAttribute(input, 'aria-invalid', text ? 'true' : null);
    if (text) input.focus();
  };
  input.addEventListener('input', () => element.fail(''));
  return element;
}

/** A labelled choice: choice({label, value, options: [[value, text]], run(value)}) -> element with .input. */
export function choice({label, value, options, run, hideLabel = false, class: more, ...properties}) {
  const id = freshId('choice');
  const input = h('select', {id, class: 'input', ...properties}, options.map(([name, text]) => h('option', {value: name}, text)));
  input.value = value;
  if (run) input.addEventListener('change', () => run(input.value));
  const element = h('div', {class: ['field', more]}, h('label', {for: id, class: hideLabel ? 'unseen' : 'field-label'}, label), input);
  element.input = input;
  return element;
}
