// SPDX-License-Identifier: MIT
import {h, setAttribute, svg} from '../lib/dom.js';
import {plural} from '../lib/format.js';

const WIDTH = 120;
const HEIGHT = 24;

/** A small bar chart of the last minutes, oldest first: sparkline(values, {failed, unit}). Use set() to redraw. */
export function sparkline(values, {unit = 'request', per = 'minute'} = {}) {
  const bars = svg('path', {class: 'bars'});
  const picture = svg('svg', {class: 'sparkline', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img'}, bars);
  const element = h('span', {class: 'spark'}, picture);
  let drawn = null;
  element.set = (next) => {
    const list = next ?? [];
    const key = list.join();
    if (key === drawn) return;
    drawn = key;
    const most = Math.max(1, ...list);
    const step = WIDTH / Math.max(1, list.length);
    let path = `M0 ${HEIGHT - 0.5}H${WIDTH}`;
    list.forEach((value, at) => {
      if (value <= 0) return;
      const size = Math.max(2, (value / most) * (HEIGHT - 2));
      path += `M${(at * step + 0.2).toFixed(2)} ${HEIGHT}v${-size.toFixed(2)}h${(step - 0.4).toFixed(2)}v${size.toFixed(2)}z`;
    });
    setAttribute(bars, 'd', path);
    const total = list.reduce((sum, value) => sum + value, 0);
    setAttribute(picture, 'aria-label', total === 0 ? `No ${unit}s in the last ${plural(list.length, per)}`
        : `${plural(total, unit)} in the last ${plural(list.length, per)}, at most ${most} a ${per}`);
    setAttribute(element, 'title', picture.getAttribute('aria-label'));
  };
  element.set(values);
  return element;
}
