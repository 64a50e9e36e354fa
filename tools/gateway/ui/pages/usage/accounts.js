// SPDX-License-Identifier: MIT
// One account: what it has and spends, its keys, its credits.
import {button} from '../../components/button.js';
import {choice, field} from '../../components/field.js';
import {segments} from '../../components/segments.js';
import {emptyState, errorState, loadingState} from '../../components/states.js';
import {afterPause, fill, h} from '../../lib/dom.js';
import {now} from '../../lib/clock.js';
import {compact, money, number, plural} from '../../lib/format.js';
import {Colours, createPlot} from '../../lib/plot.js';
import {creditsPart} from './credits.js';
import {lastDays, seriesOf, totalsOf} from './days.js';
import {keysPart} from './keys.js';
import {breakdown, figures} from './parts.js';
import {dayIn} from './period.js';

const DAY = 86_400_000;
const LISTED = 100;  // accounts in the choice; a search finds the others

const GROUPS = {
  key: {title: 'Key', key: (row) => row.key, label: (row) => row.keyName || row.key, others: (count) => plural(count, 'other key')},
  model: {title: 'Model', key: (row) => row.model, label: (row) => row.model, others: (count) => plural(count, 'other model')},
};
const MEASURES = {
  cost: {title: 'Cost', value: (row) => Number(row.cost), format: money, axis: money, whole: false},
  tokens: {title: 'Tokens', value: (row) => row.inputTokens + row.outputTokens, format: number, axis: compact, whole: true},
  requests: {title: 'Requests', value: (row) => row.requests, format: number, axis: compact, whole: true},
};

/** Cost, tokens and requests of one account by day. -> {node, load(account)} */
function spendingPart(ctx, zone, state, remember) {
  let account = null;
  let rows = null;
  let plot = null;
  let shape = '';
  const group = () => GROUPS[state.per] ?? GROUPS.key;
  const measure = () => MEASURES[state.what] ?? MEASURES.cost;
  const place = h('div', {});
  const table = h('div', {class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': 'Sums of the period'});

  function rebuild() {
    const wanted = `${state.per} ${state.what} ${account?.id}`;
    if (wanted === shape) return;
    shape = wanted;
    const {title, format, axis, whole} = measure();
    plot = createPlot({title: `${title} by day and ${group().title.toLowerCase()}`, format, axis, whole, xName: 'Day', colours: new Colours(), otherLabel: group().others,
      empty: 'This account has spent nothing in this time.'});
    fill(place, plot.node);
  }

  function show() {
    rebuild();
    const {key, label} = group();
    const xs = lastDays(Number(state.days), dayIn(now(), zone), rows);
    const inside = rows.filter((row) => row.day >= xs[0].day);
    plot.show({xs, series: seriesOf(inside, xs, key, label, measure().value)});
    const totals = totalsOf(inside, key, label, ['requests', 'inputTokens', 'outputTokens', 'cost'], (one) => (state.what === 'tokens' ? one.inputTokens + one.outputTokens : one[state.what] ?? one.cost));
    fill(table, breakdown([group().title, 'Cost', 'Requests', 'Tokens in', 'Tokens out'],
      totals.map((one) => [one.label, money(one.cost), number(one.requests), number(one.inputTokens), number(one.outputTokens)])));
  }

  async function load(which = account) {
    if (which?.id !== account?.id) rows = null;
    account = which;
    rebuild();
    if (!rows) plot.loading();
    try {
      const answer = await ctx.rpc('accounts.usage', {account: account.id, from: dayIn(now() - (Number(state.days) - 1) * DAY, zone)});
      if (which.id !== account.id) return;
      rows = answer.days;
      show();
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (rows) ctx.toastError(error, 'Usage');
      else plot.failed(error.message, () => load());
    }
  }

  const choose = (name) => (value) => {
    state[name] = value;
    remember();
    if (name === 'days') load();
    else if (rows) show();
  };
  return {
    node: h('section', {class: 'stack'},
      h('div', {class: 'usage-bar'}, h('h2', {}, 'Spending'), h('div', {class: 'row'},
        segments({label: 'Measure', value: state.what, options: Object.entries(MEASURES).map(([name, one]) => [name, one.title]), run: choose('what')}),
        segments({label: 'Grouped by', value: state.per, options: Object.entries(GROUPS).map(([name, one]) => [name, one.title]), run: choose('per')}),
        segments({label: 'Period', value: state.days, options: [['7', '7 days'], ['30', '30 days'], ['90', '90 days']], run: choose('days')}))),
      h('div', {class: 'card padded'}, place), h('div', {class: 'card'}, table)),
    load,
  };
}

/** The part of accounts. zone: the ledger's time zone. state: {account, what, per, days}. -> {node, load()} */
export function accountsPart(ctx, zone, state, remember) {
  let accounts = null;
  let total = 0;
  let account = null;
  let text = '';
  const node = h('div', {class: 'stack large'}, loadingState(5));
  const sums = figures(['Left', 'Credits', 'Spent', 'Held by requests under way']);
  const spending = spendingPart(ctx, zone, state, remember);
  const keys = keysPart(ctx, zone, () => reload());
  const credits = creditsPart(ctx, () => reload());
  const picker = h('div', {class: 'account-picker'});

  const words = (one) => `${one.email} (${money(one.remaining)} left)`;

  function writeSums() {
    sums.set([money(account.remaining), money(account.credits), money(account.usage), money(account.reserved)]);
  }

  function writePicker() {
    const select = choice({label: 'Account', value: account?.id ?? '', options: accounts.map((one) => [one.id, words(one)]), class: 'account-choice', run: (id) => {
      account = accounts.find((one) => one.id === id);
      state.account = id;
      remember();
      open();
    }});
    if (account && !accounts.some((one) => one.id === account.id)) select.input.prepend(h('option', {value: account.id, selected: true}, words(account)));
    let search = picker.querySelector('.account-search');
    if (!search && total > LISTED) {
      search = field({label: `Search ${plural(total, 'account')}`, type: 'search', placeholder: 'E-mail', class: 'account-search'});
      const later = afterPause(async (value) => {
        text = value;
        await list();
        writePicker();
      }, 250);
      search.input.addEventListener('input', () => later(search.input.value.trim()));
    }
    const old = picker.querySelector('.account-choice');
    if (old?.contains(document.activeElement)) return;
    if (search && !search.isConnected) fill(picker, search, select);
    else if (old) old.replaceWith(select);
    else picker.append(select);
  }

  async function list() {
    const answer = await ctx.rpc('accounts.list', {limit: LISTED, offset: 0, ...(text ? {text} : {})});
    accounts = answer.accounts;
    if (!text) total = answer.total;
    const same = accounts.find((one) => one.id === (account?.id ?? state.account));
    account = same ?? account ?? accounts[0] ?? null;
  }

  function open() {
    writeSums();
    return Promise.all([spending.load(account), keys.load(account), credits.load(account)]);
  }

  async function reload() {
    await list();
    if (account) writeSums();
    writePicker();
    if (account) await spending.load(account);
  }

  async function load() {
    try {
      await list();
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (account) ctx.toastError(error, 'Accounts');
      else fill(node, errorState(error, load));
      return;
    }
    if (!account) {
      fill(node, h('div', {class: 'card'}, emptyState({title: 'Nobody has registered yet',
        text: 'People register with this server and make keys that spend their credits. One command does both:',
        body: h('code', {}, 'openclaw-token auth register')})));
      return;
    }
    const first = !node.contains(sums.node);
    if (first) {
      fill(node, h('div', {class: 'usage-bar'}, picker, button('Grant credits', {icon: 'plus', run: () => { credits.grant(); }, disabled: !ctx.session.may('admin')})),
        sums.node, spending.node, keys.node, credits.node);
    }
    writePicker();
    await open();
  }

  return {node, load};
}
