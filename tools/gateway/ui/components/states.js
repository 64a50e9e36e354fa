// SPDX-License-Identifier: MIT
// What a page shows when it has nothing to show: empty, loading, failed.
import {h} from '../lib/dom.js';
import {button} from './button.js';

/** emptyState({title, text, actions, body}) */
export const emptyState = ({title, text, actions = [], body = []}) => h('div', {class: 'state empty'},
    h('h2', {}, title), text && h('p', {class: 'muted'}, text), body, actions.length > 0 && h('div', {class: 'row center'}, actions));

/** Grey rows of the size of what is coming, so that nothing jumps. */
export const loadingState = (rows = 6, words = 'Loading') => h('div', {class: 'state loading', role: 'status'},
    h('span', {class: 'unseen'}, words), Array.from({length: rows}, () => h('div', {class: 'skeleton', 'aria-hidden': 'true'})));

/** errorState(error, retry): message, hint, and a button that tries again. */
export const errorState = (error, retry) => h('div', {class: 'state failed', role: 'alert'},
    h('h2', {}, error.message), error.hint && h('p', {class: 'muted'}, error.hint),
    error.path && h('p', {class: 'muted mono'}, error.path),
    retry && h('div', {class: 'row center'}, button('Try again', {icon: 'refresh', run: retry})));
