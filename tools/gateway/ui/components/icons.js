// SPDX-License-Identifier: MIT
// Line icons, 20 x 20, drawn here; always beside words or under an aria-label, hence hidden from screen readers.
import {svg} from '../lib/dom.js';

const SHAPES = {
  discovery: ['M7.5 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0Z', 'M7.5 10h11M15 10v3.5M11.5 10v2.5'],
  rotation: ['M3 8a7 7 0 0 1 12.6-2.5L17 7', 'M17 3v4h-4', 'M17 12a7 7 0 0 1-12.6 2.5L3 13', 'M3 17v-4h4'],
  history: ['M10 5.5V10l3 2', 'M17.5 10a7.5 7.5 0 1 1-15 0 7.5 7.5 0 0 1 15 0Z'],
  usage: ['M3 17V9m4.7 8V4m4.6 13v-6M17 17V7'],
  settings: ['M3 6h8m4 0h2M3 14h2m4 0h8', 'M15 6a2 2 0 1 1-4 0 2 2 0 0 1 4 0Z', 'M9 14a2 2 0 1 1-4 0 2 2 0 0 1 4 0Z'],
  light: ['M13.5 10a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0Z', 'M10 1.8v1.9m0 12.6v1.9M1.8 10h1.9m12.6 0h1.9M4.2 4.2l1.35 1.35m8.9 8.9 1.35 1.35M4.2 15.8l1.35-1.35m8.9-8.9 1.35-1.35'],
  dark: ['M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7Z'],
  system: ['M2.5 4h15v10h-15zM7 17h6'],
  more: ['M4.5 10h.01M10 10h.01M15.5 10h.01'],
  close: ['m5 5 10 10M15 5 5 15'],
  copy: ['M7.5 7.5V4a1 1 0 0 1 1-1H16a1 1 0 0 1 1 1v7.5a1 1 0 0 1-1 1h-3.5', 'M3 8.5a1 1 0 0 1 1-1h7.5a1 1 0 0 1 1 1V16a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1z'],
  check: ['m4 10.5 4 4 8-9'],
  search: ['M14 8.5a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0Z', 'm12.6 12.6 4.4 4.4'],
  refresh: ['M16.5 10a6.5 6.5 0 1 1-2-4.7L17 7.5', 'M17 3.5v4h-4'],
  open: ['M8 4H4v12h12v-4', 'M11 3h6v6m0-6-8 8'],
  down: ['m5 7.5 5 5 5-5'],
  up: ['m5 12.5 5-5 5 5'],
  right: ['m7.5 5 5 5-5 5'],
  warning: ['M10 3 18 17H2z', 'M10 8.5v3.5m0 2.3v.01'],
  signOut: ['M8 4H4v12h4', 'M9 10h8m-3-3 3 3-3 3'],
  plus: ['M10 4v12M4 10h12'],
  trash: ['M3.5 5.5h13M8 5.5V3.5h4v2M5 5.5l.8 11h8.4l.8-11M8.5 9v4.5m3-4.5v4.5'],
  download: ['M10 3v9.5m-3.5-3.5 3.5 3.5 3.5-3.5M3.5 16.5h13'],
};

/** icon('search'): an <svg> in the colour of the text around it. */
export function icon(name) {
  return svg('svg', {class: ['icon', name], viewBox: '0 0 20 20', 'aria-hidden': 'true', focusable: 'false'},
      SHAPES[name].map((path) => svg('path', {d: path})));
}
