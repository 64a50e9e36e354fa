// SPDX-License-Identifier: MIT
// The live picture: requests of the last minutes by model and by credential.
import {segments} from '../../components/segments.js';
import {errorState} from '../../components/states.js';
import {fill, h, oncePerFrame, setText} from '../../lib/dom.js';
import {compact, number, plural} from '../../lib/format.js';
import {now} from '../../lib/clock.js';
import {createPlot} from '../../lib/plot.js';
import {ActivityBook} from './book.js';
import {HeatStrips, minuteOf} from './heat.js';

const SETTLE = 10_000;  // ms between two sortings of the rows

/** pool: {credentials} as last known. -> {node, load()} */
export function livePart(ctx, pool, state, remember) {
  const book = new ActivityBook(Number(state.minutes));
  const heat = new HeatStrips();
  const plot = createPlot({title: 'Requests a minute, by model', note: 'The newest minute is still running.', kind: 'steps', format: number, axis: compact, whole: true, xName: 'Minute',
    otherLabel: (count) => plural(count, 'other model'), empty: 'No request in this time. This picture moves as soon as somebody sends one.'});
  const silent = h('p', {class: 'muted small'});
  const place = h('div', {class: 'card padded stack tight'}, h('h3', {}, 'Which credential served'), heat.node, silent);
  let order = [];
  let sorted = 0;
  let loaded = false;
  let loading = false;
  let missed = false;  // an event came while loading

  ctx.onLeave(() => heat.close());

  const nameOf = (id) => {
    const one = pool.credentials.find((each) => each.id === id);
    return {profileId: one?.profileId ?? id.slice(0, 12), provider: one?.provider ?? ''};
  };

  /** The busiest first; sorted again now and then, not while somebody reads, so that rows do not dance. */
  function rowsInOrder() {
    const rows = book.credentials;
    const time = Date.now();
    if (order.length === 0 || (time - sorted > SETTLE && !heat.busy)) {
      order = rows.toSorted((a, b) => b.total - a.total).map((one) => one.id);
      sorted = time;
    }
    const place_ = new Map(order.map((id, i) => [id, i]));
    return rows.sort((a, b) => (place_.get(a.id) ?? Infinity) - (place_.get(b.id) ?? Infinity));
  }

  const show = oncePerFrame(() => {
    if (!loaded) return;
    const {times} = book;
    plot.show({
      xs: times.map((time) => ({label: minuteOf(time), title: minuteOf(time)})),
      series: book.models.map((one) => ({key: one.model, label: one.model || 'unknown model', values: one.requests})),
    });
    const rows = rowsInOrder();
    heat.show({times, rows});
    heat.node.hidden = rows.length === 0;
    const quiet = pool.credentials.length - rows.length;
    setText(silent, rows.length === 0 ? 'None of the credentials has served a request in this time.'
      : quiet > 0 ? `${number(quiet)} of ${plural(pool.credentials.length, 'credential')} served nothing in this time.` : '');
  });

  async function load() {
    loading = true;
    try {
      do {  // an answer may be older than an event that came while it was on its way
        missed = false;
        book.load(await ctx.rpc('activity.recent', {minutes: Number(state.minutes)}));
      } while (missed);
      loaded = true;
      order = [];
      show();
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (loaded) ctx.toastError(error, 'Activity');
      else {
        plot.failed(error.message, load);
        fill(place, errorState(error, load));
      }
    } finally {
      loading = false;
    }
  }

  ctx.on('activity', (event) => {
    if (loading) missed = true;
    if (!loaded) return;
    book.add(event, nameOf);
    show();
  });
  ctx.everySecond(() => { if (loaded && book.advance(now())) show(); });

  return {
    node: h('section', {class: 'stack'},
      h('div', {class: 'part-bar'}, h('h2', {}, 'The last minutes'),
        segments({label: 'Period', value: state.minutes, options: [['15', '15 min'], ['30', '30 min'], ['60', '1 hour']], run: (value) => {
          state.minutes = value;
          remember();
          load();
        }})),
      h('div', {class: 'live-pair'}, h('div', {class: 'card padded'}, plot.node), place)),
    load,
    show,
  };
}
