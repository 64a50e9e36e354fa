// SPDX-License-Identifier: MIT
// Plots: stacked bars by day and stacked areas by minute, drawn as SVG. Areas go in steps: what was counted in a minute is not drawn
// as if it had grown between two minutes.
//
// Own code instead of a plotting library: the series here have at most a few hundred points, and what is wanted is what canvas
// libraries leave to their users: stacking, colours that follow the theme, a readout by keyboard and for screen readers.
//
//   const plot = createPlot({title: 'Requests', kind: 'bars', format: number, axis: compact, empty: 'No request yet.'});
//   plot.show({xs: [{label: '20', title: 'Nov 20'}], series: [{key: 'a', label: 'Model A', values: [3]}]});
import {fill, h, oncePerFrame, setAttribute, svg} from './dom.js';
import {Colours, foldSeries} from './plot/colours.js';
import {PlotFrame, swatch} from './plot/frame.js';
import {shownLabels, textWidth, ticksTo} from './plot/scale.js';

export {Colours} from './plot/colours.js';

const TOP = 8;     // px above the highest value
const BOTTOM = 22; // px for the labels below
const LABEL = 12;  // px between two labels below
const READOUT_ROWS = 9;

const sumAt = (series, i) => series.reduce((total, one) => total + one.values[i], 0);

/**
 * One plot.
 *
 * title, note: what is shown, and one sentence on it. kind: "bars", or "steps" (no gaps: an area by minute).
 * format(value): a number in the readout and the table. axis(value): a short one for the axis. whole: values are counts.
 * empty: the sentence when all is zero. colours: a Colours shared with other plots. otherLabel(count): the name of the folded rest.
 * xName: what the x axis counts, as the head of the table ("Day").
 */
export function createPlot({title, note, kind = 'bars', format, axis = format, whole = false, empty, colours = new Colours(), otherLabel, xName = 'Time', level}) {
  let xs = [];
  let series = [];
  let shown = [];  // the series the legend has not hidden
  let at = -1;     // the position that is read out, -1 for none
  let layout = null;

  const frame = new PlotFrame({title, note, level, onFilter: () => draw(), tableOf: table});
  const drawing = svg('svg', {class: 'plot-drawing', 'aria-hidden': 'true', focusable: 'false'});
  const readout = h('div', {class: 'plot-readout', hidden: true, 'aria-hidden': 'true'});
  // A slider is what a screen reader knows how to move along and read out: aria-valuetext has all the numbers of one position.
  const area = h('div', {class: 'plot-area', role: 'slider', tabindex: '0', 'aria-labelledby': frame.titleId, 'aria-orientation': 'horizontal'}, drawing, readout);
  frame.stage.append(area);

  const colourOf = (one) => (one.rest ? 'plot-other' : colours.of(one.key));

  function table() {
    const columns = series.filter((one) => !frame.isHidden(one.key));
    const several = columns.length > 1;
    return {
      head: [xName, ...columns.map((one) => one.label), ...(several ? ['Total'] : [])],
      rows: xs.map((x, i) => [x.title ?? x.label, ...columns.map((one) => format(one.values[i])), ...(several ? [format(sumAt(columns, i))] : [])]).reverse(),
    };
  }

  function measure() {
    const width = Math.floor(area.clientWidth);
    const height = Math.floor(area.clientHeight);
    if (width === 0 || height === 0 || xs.length === 0) return null;
    const most = xs.reduce((top, _, i) => Math.max(top, sumAt(shown, i)), 0);
    const {top, ticks} = ticksTo(most, height < 170 ? 3 : 4, whole);
    const texts = ticks.map(axis);
    const left = Math.ceil(Math.max(...texts.map(textWidth))) + 8;
    const plotWidth = width - left - 2;
    const band = plotWidth / xs.length;
    const zero = height - BOTTOM;
    return {
      width, height, ticks, texts, left, plotWidth, band, zero,
      x: (i) => left + band * i,
      middle: (i) => left + band * (i + 0.5),
      y: (value) => zero - ((zero - TOP) * value) / top,
    };
  }

  function grid() {
    const {ticks, texts, left, width, zero, y} = layout;
    const lines = ticks.map((tick, i) => {
      const level_ = Math.round(y(tick)) + 0.5;
      return [
        svg('line', {class: tick === 0 ? 'plot-base' : 'plot-grid', x1: left, x2: width, y1: level_, y2: level_}),
        svg('text', {class: 'plot-tick', x: left - 6, y: level_ + 4, 'text-anchor': 'end'}, texts[i]),
      ];
    });
    const room = Math.max(...xs.map((x) => textWidth(x.label))) + LABEL;
    let end = width + LABEL;  // of the label to the right, which comes first
    const labels = shownLabels(xs.length, layout.plotWidth, room).reverse().map((i) => {
      const half = textWidth(xs[i].label) / 2;
      const place = Math.min(Math.max(layout.middle(i), left + half - 4), width - half);
      if (place + half > end - LABEL / 2) return null;
      end = place - half;
      return svg('text', {class: 'plot-tick', x: place.toFixed(1), y: zero + 16, 'text-anchor': 'middle'}, xs[i].label);
    });
    return [lines, labels];
  }

  function bars() {
    const {band, zero, x, y} = layout;
    const gap = kind === 'steps' ? 0 : band > 6 ? Math.min(12, Math.max(1, Math.round(band * 0.22))) : band > 2.5 ? 1 : 0;
    return xs.map((_, i) => {
      const from = Math.round(x(i) + gap / 2);
      const room = Math.max(1, Math.round(x(i + 1) - gap / 2) - from);
      const width = kind === 'steps' ? room : Math.min(48, room);
      const start = from + Math.floor((room - width) / 2);
      let below = 0;
      return shown.map((one) => {
        const value = one.values[i];
        if (!(value > 0)) return null;
        const bottom = Math.round(y(below));
        below += value;
        // What there is can be seen: at least one px, which the next segment may cover.
        const top = Math.min(Math.round(y(below)), bottom - 1, zero - 1);
        const seam = below > value && bottom - top > 2 ? 1 : 0;
        return svg('rect', {class: `plot-mark ${colourOf(one)}`, x: start, width, y: top, height: bottom - top - seam});
      });
    });
  }

  function draw() {
    shown = series.filter((one) => !frame.isHidden(one.key));
    frame.writeLegend(series.map((one) => ({key: one.key, label: one.label, colour: colourOf(one), text: format(one.total)})));
    frame.writeTable();
    layout = measure();
    if (!layout) return;
    setAttribute(drawing, 'width', layout.width);
    setAttribute(drawing, 'height', layout.height);
    setAttribute(drawing, 'viewBox', `0 0 ${layout.width} ${layout.height}`);
    fill(drawing, svg('rect', {class: 'plot-cursor', width: 0, height: 0}), grid(), bars());
    setAttribute(area, 'aria-valuemin', 0);
    setAttribute(area, 'aria-valuemax', xs.length - 1);
    read(Math.min(at, xs.length - 1), false);
  }

  const words = (i) => {
    const rows = shown.filter((one) => one.values[i] > 0).sort((a, b) => b.values[i] - a.values[i]);
    const total = shown.length > 1 ? `${format(sumAt(shown, i))} in all` : null;
    return `${xs[i].title ?? xs[i].label}: ${[total, ...rows.map((one) => (shown.length > 1 ? `${one.label} ${format(one.values[i])}` : format(one.values[i])))].filter(Boolean).join(', ') || 'nothing'}`;
  };

  /** Reads out position i; -1: nothing is shown (the slider stays at the newest). */
  function read(i, show = true) {
    at = i;
    if (!layout) return;
    const now = i < 0 ? xs.length - 1 : i;
    setAttribute(area, 'aria-valuenow', now);
    setAttribute(area, 'aria-valuetext', words(now));
    const cursor = drawing.firstElementChild;
    if (i < 0) {
      readout.hidden = true;
      setAttribute(cursor, 'width', 0);
      return;
    }
    setAttribute(cursor, 'x', layout.x(i).toFixed(1));
    setAttribute(cursor, 'width', layout.band.toFixed(1));
    setAttribute(cursor, 'y', TOP);
    setAttribute(cursor, 'height', layout.zero - TOP);
    if (!show && readout.hidden) return;
    const rows = shown.filter((one) => one.values[i] > 0).sort((a, b) => b.values[i] - a.values[i]);
    const more = rows.length - READOUT_ROWS;
    fill(readout, h('strong', {}, xs[i].title ?? xs[i].label),
      rows.slice(0, READOUT_ROWS).map((one) => h('div', {class: 'plot-readout-row'}, swatch(colourOf(one)), h('span', {class: 'plot-readout-name'}, one.label), h('span', {class: 'plot-readout-value'}, format(one.values[i])))),
      more > 0 && h('div', {class: 'plot-readout-row'}, `${more} more`),
      rows.length === 0 && h('div', {class: 'plot-readout-row'}, 'nothing'),
      rows.length > 1 && h('div', {class: 'plot-readout-row plot-readout-total'}, h('span', {class: 'plot-readout-name'}, 'Total'), h('span', {class: 'plot-readout-value'}, format(sumAt(shown, i)))));
    readout.hidden = false;
    const wide = readout.offsetWidth;
    const right = layout.x(i) + layout.band + 8;
    const left = layout.x(i) - 8 - wide;
    const place = right + wide <= layout.width ? right : left >= 0 ? left : Math.max(0, (layout.width - wide) / 2);
    readout.style.transform = `translate(${Math.round(place)}px, 0)`;
  }

  const nearest = (event) => {
    if (!layout) return -1;
    const x = event.clientX - area.getBoundingClientRect().left - layout.left;
    return Math.min(xs.length - 1, Math.max(0, Math.floor(x / layout.band)));
  };
  area.addEventListener('pointermove', (event) => read(nearest(event)));
  area.addEventListener('pointerdown', (event) => read(nearest(event)));
  area.addEventListener('pointerleave', (event) => { if (event.pointerType !== 'touch' && !area.matches(':focus-visible')) read(-1); });
  area.addEventListener('focus', () => { if (area.matches(':focus-visible') && at < 0) read(xs.length - 1); });
  area.addEventListener('blur', () => read(-1));
  area.addEventListener('keydown', (event) => {
    const now = at < 0 ? xs.length - 1 : at;
    const page = Math.max(2, Math.round(xs.length / 6));
    const to = {ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, Home: 0, End: xs.length - 1, PageDown: now - page, PageUp: now + page, Escape: -1}[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    read(event.key === 'Escape' ? -1 : Math.min(xs.length - 1, Math.max(0, to)));
  });

  const redraw = oncePerFrame(draw);
  new ResizeObserver(redraw).observe(area);

  return {
    node: frame.node,
    show(data) {
      xs = data.xs;
      series = foldSeries(data.series, colours, otherLabel);
      if (series.every((one) => one.total === 0)) {
        frame.empty(empty);
        return;
      }
      frame.shown();
      redraw();
    },
    loading: () => frame.loading(),
    failed: (text, again) => frame.failed(text, again),
    setNote: (text) => frame.setNote(text),
  };
}
