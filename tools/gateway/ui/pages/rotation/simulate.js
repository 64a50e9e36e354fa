// SPDX-License-Identifier: MIT
// The same hour of requests played with every strategy, to compare them before switching.
import {button} from '../../components/button.js';
import {choice, field} from '../../components/field.js';
import {emptyState, errorState, loadingState} from '../../components/states.js';
import {badge} from '../../components/status.js';
import {fill, h} from '../../lib/dom.js';
import {number, percent, plural} from '../../lib/format.js';
import {createPlot} from '../../lib/plot.js';

const FIELDS = [
  {name: 'accounts', label: 'Credentials', value: 4, most: 200},
  {name: 'requests', label: 'Requests in an hour', value: 5000, most: 100_000},
  {name: 'limitPerMinute', label: 'Limit a minute', value: 20, most: 1_000_000, hint: 'Requests one credential may serve.'},
  {name: 'sessions', label: 'Sessions', value: 20, most: 10_000},
  {name: 'seed', label: 'Seed', value: 1, most: 4_294_967_295, least: 0, hint: 'The same seed plays the same hour.'},
];

const share = (part, whole) => (whole > 0 ? part / whole : null);

const COLUMNS = [
  {title: 'Served', of: (one) => share(one.served, one.served + one.refused), text: (one) => number(one.served), better: 1},
  {title: 'Refused', text: (one) => number(one.refused)},
  {title: '429 met', text: (one) => number(one.limited)},
  {title: 'Fairness', of: (one) => one.fairness, text: (one) => one.fairness.toFixed(3), hint: 'Jain\u2019s index: 1 when all credentials have served alike'},
  {title: 'Cache hits', of: (one) => share(one.cacheHits, one.cacheChances), hint: 'Requests of a session that came to the credential of its last one'},
  {title: 'Quota wasted', of: (one) => share(one.wastedQuota, one.allowance), hint: 'Allowance that went by unused'},
];

export function simulatePart(ctx, pool) {
  const inputs = FIELDS.map(({label, value, hint = '', name}) => field({label, hint, inputmode: 'numeric', value: String(value), name}));
  const result = h('div', {class: 'stack'}, h('div', {class: 'card'}, emptyState({title: 'Nothing simulated yet', text: 'Plays one made-up hour with each strategy, in memory: no credential is used and nothing is sent.'})));
  const run = button('Simulate', {kind: 'primary', run: start});

  function read() {
    const params = {};
    for (const [i, {name, most, least = 1}] of FIELDS.entries()) {
      const text = inputs[i].input.value.trim();
      if (!/^\d+$/.test(text) || Number(text) < least || Number(text) > most) {
        inputs[i].fail(`A whole number from ${number(least)} to ${number(most)}.`);
        return null;
      }
      params[name] = Number(text);
    }
    return params;
  }

  async function start() {
    const params = read();
    if (!params) return;
    fill(result, h('div', {class: 'card'}, loadingState(8, 'Simulating')));
    try {
      show(await ctx.rpc('pool.simulate', params));
      ctx.announce('The simulation is done.');
    } catch (error) {
      if (error.name !== 'AbortError') fill(result, h('div', {class: 'card'}, errorState(error, start)));
    }
  }

  /** A number with a bar behind it: what is to be compared is seen at a glance. */
  function cell(one, {of, text}) {
    const part = of?.(one);
    const words = text ? text(one) : part === null ? '-' : percent(part * 100);
    return h('td', {class: 'number'}, part === undefined || part === null ? words
      : h('div', {class: 'bar-cell'}, h('span', {}, words), h('div', {class: 'bar-track', 'aria-hidden': 'true'}, h('div', {class: 'bar-fill', style: {width: `${Math.min(100, part * 100)}%`}}))));
  }

  function show({accounts, requests, policies}) {
    const byName = new Map(policies.map((one) => [one.policy, one]));
    const plot = createPlot({title: 'Requests by credential', format: number, axis: number, whole: true, xName: 'Credential', empty: 'Nothing was served.'});
    const draw = (name) => {
      const one = byName.get(name);
      plot.setNote(`with ${name}`);
      plot.show({
        xs: one.perCredential.map(({name: account}, i) => ({label: String(i + 1), title: account})),
        series: [{key: 'served', label: 'Served', values: one.perCredential.map((each) => each.served)}, {key: 'limited', label: 'Met a 429', values: one.perCredential.map((each) => each.limited)}],
      });
    };
    const first = byName.has(pool.strategy) ? pool.strategy : policies[0].policy;
    fill(result,
      h('p', {class: 'muted'}, `${plural(requests, 'request')} to ${plural(accounts, 'credential')}.`),
      h('div', {class: 'card'}, h('div', {class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': 'The strategies compared'}, h('table', {class: 'table simulate-table'},
        h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Strategy'), COLUMNS.map(({title, hint}) => h('th', {scope: 'col', class: 'number', title: hint}, title)))),
        h('tbody', {}, policies.map((one) => h('tr', {}, h('th', {scope: 'row'}, one.policy, one.policy === pool.strategy && badge('in use', 'accent')), COLUMNS.map((column) => cell(one, column)))))))),
      h('div', {class: 'card padded stack tight'}, choice({label: 'Show the credentials under', value: first, options: policies.map((one) => [one.policy, one.policy]), run: draw}), plot.node));
    draw(first);
  }

  const form = h('form', {class: 'card padded simulate-form', novalidate: true, onsubmit: (event) => {
    event.preventDefault();
    run.click();
  }}, inputs, h('button', {type: 'submit', class: 'unseen', tabindex: '-1', 'aria-hidden': 'true'}, 'Simulate'), run);
  return {node: h('section', {class: 'stack'}, h('h2', {}, 'Compare the strategies'), form, result), load: () => {}};
}
