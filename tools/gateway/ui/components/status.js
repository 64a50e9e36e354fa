// SPDX-License-Identifier: MIT
import {h} from '../lib/dom.js';

/** A dot with its words. kind: "good", "wait", "warn", "bad", "off". Shape differs too, for those who do not see colours. */
export const statusDot = (kind, words, title = '') => h('span', {class: ['status', kind], title}, h('span', {class: 'dot', 'aria-hidden': 'true'}), h('span', {class: 'words'}, words));

/** A small label: badge('imported'), badge('borrow', 'warn'). */
export const badge = (text, kind = 'plain', title = '') => h('span', {class: ['badge', kind], title}, text);
