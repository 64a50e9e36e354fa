// SPDX-License-Identifier: MIT
// The provisioned keys of an account: limits, what is used of them, and what can be done.
import {button} from '../../components/button.js';
import {menuButton} from '../../components/menu.js';
import {emptyState, errorState, loadingState} from '../../components/states.js';
import {statusDot} from '../../components/status.js';
import {fill, h, reconcile, setAttribute} from '../../lib/dom.js';
import {liveTime, now} from '../../lib/clock.js';
import {absolute, instant, money, plural} from '../../lib/format.js';
import {budgetOf, earliestDay} from './period.js';
import {changeLimit, createKey, rotateKey, revokeKey} from './key_dialogs.js';

const PAGE = 100;
const NAMES = ['Key', 'Status', 'Used of its limit', 'Spent in all', 'Expires', ''];
const PERIODS = {daily: 'a day', weekly: 'a week', monthly: 'a month'};

const limitOf = (key) => (key.credit_limit === null || key.credit_limit === undefined ? null : Number(key.credit_limit));

/** budget: {used, renewed} of the key. */
function statusOf(key, budget, at) {
  if (key.revoked_at) return ['off', 'Revoked'];
  if (key.disabled) return ['off', 'Disabled'];
  if (key.expires_at && instant(key.expires_at) <= at) return ['bad', 'Expired'];
  const limit = limitOf(key);
  if (limit !== null && budget.used >= limit) return ['bad', 'Limit reached'];
  if (limit !== null && budget.used >= 0.9 * limit) return ['warn', 'Nearly used up'];
  return ['good', 'Active'];
}

function meter(key, {used, renewed}) {
  const limit = limitOf(key);
  if (limit === null) return h('span', {class: 'muted'}, 'no limit');
  const share = limit > 0 ? (used / limit) * 100 : 100;
  const words = `${money(used)} of ${money(limit)}${key.limit_reset ? ` ${PERIODS[key.limit_reset]}` : ''}`;
  return h('div', {class: 'key-budget'},
    h('div', {class: ['meter', share >= 100 ? 'bad' : share >= 90 ? 'warn' : ''], role: 'img', 'aria-label': `${Math.round(share)} percent used`}, h('div', {style: {width: `${Math.min(100, share)}%`}})),
    h('span', {class: 'small number'}, words, renewed && [', renewed in ', liveTime(renewed, {form: 'left'})]));
}

/** zone: the ledger's time zone. -> {node, load(account)} */
export function keysPart(ctx, zone, changed) {
  let account = null;
  let keys = [];
  let days = [];   // what the account has used in the periods that run
  let total = 0;
  let revoked = false;
  const admin = ctx.session.may('admin');
  // Roles that the elements have anyway: on a phone the rows are laid out as cards, and browsers forget them then.
  const body = h('tbody', {role: 'rowgroup'});
  const table = h('div', {class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': 'Keys of the account'},
    h('table', {class: 'table keys-table', role: 'table'}, h('thead', {role: 'rowgroup'}, h('tr', {role: 'row'}, NAMES.map((text, i) =>
      h('th', {scope: 'col', role: 'columnheader', class: i === 3 ? 'number' : null}, text || h('span', {class: 'unseen'}, 'Actions'))))), body));
  const place = h('div', {class: 'card'}, loadingState(3));
  const more = h('div', {class: 'row center keys-more'});
  const old = h('label', {class: 'toggle'}, h('input', {type: 'checkbox', class: 'switch', role: 'switch', onchange: (event) => {
    revoked = event.target.checked;
    load(account);
  }}), 'Show revoked keys');

  const after = async (promise) => {
    if ((await promise) === false) return;
    await Promise.all([load(account), changed()]);
  };
  const setDisabled = async (key, value) => {
    if (value && !(await ctx.confirm({title: `Disable ${key.name}?`, text: 'Requests with this key are refused from now on. It can be enabled again at any time.', action: 'Disable the key'}))) return false;
    try {
      await ctx.lastingRpc('keys.update', {account: account.id, hash: key.hash, disabled: value});
    } catch (error) {
      ctx.toastError(error, value ? 'Disable' : 'Enable');
      return false;
    }
    ctx.toast(value ? `${key.name} is disabled.` : `${key.name} is enabled.`);
    return true;
  };

  const actions = (key) => menuButton(`Actions for ${key.name}`, () => [
    {text: 'Change limit and expiry', run: () => after(changeLimit(ctx, account, key))},
    {text: key.disabled ? 'Enable' : 'Disable', run: () => after(setDisabled(key, !key.disabled))},
    {text: 'Rotate', run: () => after(rotateKey(ctx, account, key))},
    {text: 'Revoke', danger: true, run: () => after(revokeKey(ctx, account, key))},
  ]);

  function write() {
    if (keys.length === 0) {
      fill(place, emptyState({title: 'No key yet', text: 'A key (sk-prov-...) lets one program or person spend this account\u2019s credits, up to a limit of its own.',
        actions: admin ? [button('Create a key', {kind: 'primary', icon: 'plus', run: () => { after(createKey(ctx, account)); }})] : []}));
      return;
    }
    if (!place.contains(table)) fill(place, table, more);
    const at = now();
    reconcile(body, keys, (key) => key.hash, () => h('tr', {role: 'row'}, Array.from({length: 6}, (_, i) => (i === 0 ? h('th', {scope: 'row', role: 'rowheader'}) : h('td', {role: 'cell', 'data-name': i > 2 ? NAMES[i] : null})))), (line, key) => {
      // What is unchanged is not written again: its menu may have the focus.
      const budget = budgetOf(key, days, at, zone);
      const state = JSON.stringify([key, budget, statusOf(key, budget, at)]);
      if (line.dataset.state === state) return;
      line.dataset.state = state;
      const [name, status, used, spent, expires, menu] = line.children;
      fill(name, h('span', {class: 'break'}, key.name), h('span', {class: 'muted small mono key-hash'}, key.hash));
      fill(status, statusDot(...statusOf(key, budget, at)));
      fill(used, meter(key, budget));
      setAttribute(spent, 'class', 'number');
      fill(spent, money(key.usage));
      fill(expires, key.revoked_at ? ['revoked ', liveTime(key.revoked_at)] : key.expires_at ? liveTime(key.expires_at, {title: absolute(key.expires_at)}) : h('span', {class: 'muted'}, 'never'));
      fill(menu, admin && !key.revoked_at && actions(key));
    });
    fill(more, keys.length < total && button(`Show more (${plural(total - keys.length, 'key')} left)`, {kind: 'quiet', run: () => load(account, keys.length)}));
  }

  async function load(which, from = 0) {
    if (which.id !== account?.id) fill(place, loadingState(3));
    account = which;
    try {
      const [usage, answer] = await Promise.all([
        ctx.rpc('accounts.usage', {account: account.id, from: earliestDay(now(), zone)}),
        ctx.rpc('keys.list', {account: account.id, limit: from === 0 ? Math.max(PAGE, keys.length) : PAGE, offset: from, include_revoked: revoked}),
      ]);
      if (which.id !== account.id) return;
      ({days} = usage);
      keys = from === 0 ? answer.items : [...keys, ...answer.items];
      total = answer.total;
      write();
    } catch (error) {
      if (error.name === 'AbortError') return;
      fill(place, errorState(error, () => load(which)));
    }
  }

  return {
    node: h('section', {class: 'stack'},
      h('div', {class: 'usage-bar'}, h('h2', {}, 'Keys'), h('div', {class: 'row'}, old,
        button('Create a key', {kind: 'primary', icon: 'plus', disabled: !admin, title: admin ? null : 'Needs the scope admin', run: () => { after(createKey(ctx, account)); }}))), place),
    load,
  };
}
