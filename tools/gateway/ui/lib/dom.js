// SPDX-License-Identifier: MIT
// Elements without markup: every text becomes a text node, so nothing that was found on the machine can become HTML.

const SVG = 'http://www.w3.org/2000/svg';

// Characters that turn text around or hide it: a name with them is not what it looks like.
const DECEIVING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** A text with every character that deceives the eye made visible. */
export const visible = (text) => String(text).replace(DECEIVING, '\u25a1');

function add(parent, child) {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) {
    for (const one of child) add(parent, one);
  } else {
    parent.append(child instanceof Node ? child : visible(child));
  }
}

function set(element, name, value) {
  if (value === null || value === undefined) return;
  if (name === 'class') {
    element.setAttribute('class', Array.isArray(value) ? value.filter(Boolean).join(' ') : value);
  } else if (name === 'style') {
    for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
  } else if (name === 'dataset') {
    Object.assign(element.dataset, value);
  } else if (name.startsWith('on')) {
    element.addEventListener(name.slice(2), value);
  } else if (name === 'value' || name === 'checked' || name === 'selected' || name === 'indeterminate') {
    element[name] = value;
  } else if (name.startsWith('aria-')) {
    element.setAttribute(name, visible(value));  // aria-expanded="false" is not the same as none
  } else if (value === true) {
    element.setAttribute(name, '');
  } else if (value !== false) {
    element.setAttribute(name, name === 'title' ? visible(value) : String(value));
  }
}

function make(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) set(element, name, value);
  add(element, children);
  return element;
}

/** h('button', {class: 'small', onclick: f, 'aria-pressed': true}, 'Text', node, [more]): an HTML element. */
export const h = (tag, properties, ...children) => make(document.createElement(tag), properties, children);

/** The same for SVG. */
export const svg = (tag, properties, ...children) => make(document.createElementNS(SVG, tag), properties, children);

/** Replaces what is in an element. */
export function fill(element, ...children) {
  const fragment = document.createDocumentFragment();
  add(fragment, children);
  element.replaceChildren(fragment);
  return element;
}

/** Writes a text only when it differs: no selection lost, nothing laid out again. */
export function setText(element, text) {
  const value = visible(text);
  if (element.textContent !== value) element.textContent = value;
}

/** Writes or removes an attribute, only when it differs. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

const rows = new WeakMap();

/**
 * Makes the children of `parent` match `items` in order, by key: known ones are kept (with focus and scroll), moved and updated.
 * create(item) -> element; update(element, item) is called for new and kept ones alike.
 */
export function reconcile(parent, items, key, create, update = () => {}) {
  let known = rows.get(parent);
  if (!known) rows.set(parent, (known = new Map()));
  const wanted = new Set();
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    if (wanted.has(name)) continue;
    wanted.add(name);
    let element = known.get(name);
    if (!element) known.set(name, (element = create(item)));
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const [name, element] of known) {
    if (wanted.has(name)) continue;
    element.remove();
    known.delete(name);
  }
}

let count = 0;
/** An id nobody else has, for aria-labelledby and label for. */
export const freshId = (word = 'id') => `${word}-${++count}`;

/** Says a text to screen readers without showing it. */
export function announce(text) {
  const place = document.getElementById('announcer');
  if (!place) return;
  place.textContent = '';
  setTimeout(() => { place.textContent = text; }, 50);
}

/** One call of `run` per frame, however often it is asked for. */
export function oncePerFrame(run) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      run();
    });
  };
}

/** Runs `run(value)` when nothing was asked for during `wait` ms. */
export function afterPause(run, wait = 150) {
  let timer = 0;
  return (value) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(value), wait);
  };
}
