// SPDX-License-Identifier: MIT
// What this machine's credentials have served, by day: needs no accounts.
import {segments} from '../../components/segments.js';
import {errorState} from '../../components/states.js';
import {fill, h} from '../../lib/dom.js';
import {compact, number, plural} from '../../lib/format.js';
import {now} from '../../lib/clock.js';
import {Colours, createPlot} from '../../lib/plot.js';
import {dayOf, lastDays, seriesOf, totalsOf} from './days.js';
import {breakdown, figures} from './parts.js';

const GROUPS = {
  model: {title: 'Model', key: (row) => row.model, label: (row) => row.model || 'unknown model', others: (count) => plural(count, 'other model')},
  credential: {title: 'Credential', key: (row) => row.id, label: (row) => row.profileId || row.id.slice(0, 12), others: (count) => plural(count, 'other credential')},
  provider: {title: 'Provider', key: (row) => row.provider, label: (row) => row.provider, others: (count) => plural(count, 'other provider')},
};
const MEASURES = {
  requests: {title: 'Requests', value: (row) => row.requests},
  tokens: {title: 'Tokens', value: (row) => row.inputTokens + row.outputTokens},
  failed: {title: 'Failures', value: (row) => row.failed},
};

/** state: {days, by, measure}; remember() keeps it in the address. -> {node, load()} */
export function activityPart(ctx, state, remember) {
  const group = () => GROUPS[state.by] ?? GROUPS.model;
  const measure = () => MEASURES[state.measure] ?? MEASURES.requests;
  const days = () => Number(state.days);
  const place = h('div', {});
  const table = h('div', {class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': 'Sums of the period'});
  const sums = figures(['Requests', 'Failed', 'Tokens in', 'Tokens out']);
  let rows = null;
  let plot = null;
  let shape = '';

  const choose = (name) => (value) => {
    state[name] = value;
    remember();
    if (name === 'days') load();
    else if (rows) show();
  };

  // Another grouping is another plot: its colours and its filter mean other things.
  function rebuild() {
    const wanted = `${state.by} ${state.measure}`;
    if (wanted === shape) return;
    shape = wanted;
    plot = createPlot({
      title: `${measure().title} by day and ${group().title.toLowerCase()}`, format: number, axis: compact, whole: true, xName: 'Day', colours: new Colours(),
      otherLabel: group().others, empty: state.measure === 'failed' ? 'No request has failed in this time.' : 'No request has been served in this time.',
    });
    fill(place, plot.node);
  }

  function show() {
    rebuild();
    const {key, label} = group();
    const xs = lastDays(days(), dayOf(now()), rows);
    const inside = rows.filter((row) => row.day >= xs[0].day);
    plot.show({xs, series: seriesOf(inside, xs, key, label, measure().value)});
    const totals = totalsOf(inside, key, label, ['requests', 'failed', 'inputTokens', 'outputTokens'], measure().value);
    const all = (name) => totals.reduce((sum, one) => sum + one[name], 0);
    const [requests, failed, input, output] = ['requests', 'failed', 'inputTokens', 'outputTokens'].map(all);
    sums.set([number(requests), failed > 0 ? `${number(failed)} (${(failed / requests * 100).toFixed(1)}\u202f%)` : number(failed), compact(input), compact(output)]);
    fill(table, breakdown([group().title, 'Requests', 'Failed', 'Tokens in', 'Tokens out'],
      totals.map((one) => [one.label, number(one.requests), number(one.failed), number(one.inputTokens), number(one.outputTokens)])));
  }

  async function load() {
    try {
      ({days: rows} = await ctx.rpc('activity.days', {days: days()}));
      show();
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (rows) ctx.toastError(error, 'Activity');
      else {
        shape = '';
        fill(place, errorState(error, load));
      }
    }
  }

  rebuild();
  return {
    node: h('section', {class: 'stack'},
      h('div', {class: 'usage-bar'}, h('h2', {}, 'Served by this machine\u2019s credentials'),
        h('div', {class: 'row'},
          segments({label: 'Measure', value: state.measure, options: Object.entries(MEASURES).map(([name, one]) => [name, one.title]), run: choose('measure')}),
          segments({label: 'Grouped by', value: state.by, options: Object.entries(GROUPS).map(([name, one]) => [name, one.title]), run: choose('by')}),
          segments({label: 'Period', value: state.days, options: [['7', '7 days'], ['30', '30 days'], ['90', '90 days']], run: choose('days')}))),
      sums.node, h('div', {class: 'card padded'}, place), h('div', {class: 'card'}, table)),
    load,
  };
}
