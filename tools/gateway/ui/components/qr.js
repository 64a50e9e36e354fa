// SPDX-License-Identifier: MIT
import {h, svg} from '../lib/dom.js';

/** A QR code as an <svg>, dark on light in both themes so that every camera reads it. The encoder is loaded when it is first needed. */
export async function qrCode(text, label) {
  const {generate} = await import('../vendor/lean-qr.mjs');
  const code = generate(text);
  const margin = 3;
  let path = '';
  for (let y = 0; y < code.size; y += 1) {
    for (let x = 0; x < code.size; x += 1) if (code.get(x, y)) path += `M${x + margin} ${y + margin}h1v1h-1z`;
  }
  const side = code.size + 2 * margin;
  return h('div', {class: 'qr-code'}, svg('svg', {viewBox: `0 0 ${side} ${side}`, role: 'img', 'aria-label': label, 'shape-rendering': 'crispEdges'},
      svg('rect', {width: side, height: side, fill: '#ffffff'}), svg('path', {d: path, fill: '#000000'})));
}
