// SPDX-License-Identifier: MIT
// The providers' own windows of each subscription: how much is used, how much of the time is gone, when it is whole again.
import {field} from '../../components/field.js';
import {segments} from '../../components/segments.js';
import {emptyState, errorState} from '../../components/states.js';
import {badge} from '../../components/status.js';
import {afterPause, fill, h, setText} from '../../lib/dom.js';
import {liveTime, now} from '../../lib/clock.js';
import {absolute, instant, number, plural} from '../../lib/format.js';
import {VirtualList} from '../../lib/virtual_list.js';

const SHORT = [[3600, 'hour'], [86_400, 'day'], [604_800, 'week']];

/** "five_hour" of 18,000 s as "5 hours"; the provider's word where no length is known. */
function windowName({name, lengthSeconds}) {
  const words = name.replaceAll('_', ' ');
  if (!lengthSeconds) return words;
  const unit = SHORT.findLast(([size]) => lengthSeconds >= size && lengthSeconds % size === 0);
  return unit ? `${plural(lengthSeconds / unit[0], unit[1])}` : words;
}

/** What is used in percent, or null when the provider has not told. */
function usedPercent({usedPercent: told, used, limit}) {
  if (typeof told === 'number') return told;
  return typeof used === 'number' && limit > 0 ? (used / limit) * 100 : null;
}

/** The share of the window's time that is gone, in percent, or null. */
export function gonePercent({resetsAt, lengthSeconds}, at) {
  const end = instant(resetsAt);
  if (end === null || !lengthSeconds) return null;
  return Math.min(100, Math.max(0, 100 - ((end - at) / (lengthSeconds * 1000)) * 100));
}

/** All windows of all credentials, the fullest first. */
function windowsOf(credentials) {
  return credentials.flatMap((credential) => (credential.quota ?? []).map((quota) => ({credential, quota, used: usedPercent(quota)})))
    .sort((a, b) => (b.used ?? -1) - (a.used ?? -1));
}

function pace(used, gone) {
  if (used === null) return 'The provider does not say how much is used';
  const share = `${Math.round(used)}\u202f% used`;
  return gone === null ? share : `${share}, ${Math.round(gone)}\u202f% of the time gone`;
}

export function quotaBar(quota, used, at) {
  const gone = gonePercent(quota, at);
  const level = used === null ? '' : used >= 90 ? 'bad' : gone !== null && used > gone + 10 ? 'warn' : '';
  return h('div', {class: ['quota-bar', level], role: 'img', 'aria-label': pace(used, gone)},
    used !== null && h('div', {class: 'quota-used', style: {width: `${Math.min(100, used)}%`}}),
    gone !== null && h('div', {class: 'quota-now', style: {left: `${gone}%`}}));
}

export function quotasPart(ctx) {
  let all = [];
  let windows = [];
  let silent = 0;
  let filter = '';
  let show = 'all';
  let loaded = false;
  const count = h('p', {class: 'muted number', role: 'status'});
  const place = h('div', {});
  const list = new VirtualList({
    label: 'Quota windows, the fullest first', class: 'quota-list card', render: row,
    head: h('div', {class: 'quota-row quota-head', role: 'row'}, ['Credential', 'Window', 'Used', 'Whole again'].map((text) => h('span', {role: 'columnheader'}, text))),
  });
  ctx.onLeave(() => list.close());

  function row(index, element) {
    const one = windows[index];
    if (!one) return;
    const {credential, quota, used} = one;
    element.classList.add('quota-row');
    const told = typeof quota.used === 'number' && quota.limit > 0 ? ` (${number(quota.used)} of ${number(quota.limit)})` : '';
    fill(element,
      h('span', {role: 'cell', class: 'quota-who'}, h('span', {class: 'clip', title: credential.profileId}, credential.profileId), h('span', {class: 'muted small clip'}, credential.account || credential.cli)),
      h('span', {role: 'cell', class: 'quota-name'}, windowName(quota), quota.partial && badge('a part', 'plain', `Covers a part of the service only (${quota.name}): the rest goes on`)),
      h('span', {role: 'cell', class: 'quota-what'}, quotaBar(quota, used, now()), h('span', {class: 'small number'}, used === null ? 'not told' : `${pace(used, gonePercent(quota, now()))}${told}`)),
      h('span', {role: 'cell', class: 'quota-end'}, quota.resetsAt ? [h('span', {}, 'in ', liveTime(quota.resetsAt, {form: 'left'})), h('span', {class: 'muted small'}, absolute(quota.resetsAt))] : h('span', {class: 'muted'}, 'not told')));
  }

  function write() {
    const words = filter.toLowerCase();
    windows = windowsOf(all).filter(({credential, used}) => (show === 'all' || (used ?? 0) >= 75)
      && (words === '' || `${credential.profileId} ${credential.account} ${credential.cli}`.toLowerCase().includes(words)));
    silent = all.filter((one) => (one.quota ?? []).length === 0).length;
    setText(count, `${plural(windows.length, 'window')}${silent > 0 ? `; ${plural(silent, 'credential')} of ${number(all.length)} told nothing about a quota` : ''}`);
    list.setCount(windows.length);
    list.refresh();
    list.node.style.setProperty('--rows', String(Math.min(windows.length, 12)));
    if (windows.length > 0) {
      if (list.node.parentNode !== place) fill(place, list.node);
      return;
    }
    fill(place, h('div', {class: 'card'}, all.some((one) => one.quota?.length > 0)
      ? emptyState({title: 'No window matches', text: 'Another filter may show some.'})
      : emptyState({title: 'No quota is known yet', text: 'Providers tell about quotas when a token is validated, some of them with each answer. API keys have none.',
        actions: [h('a', {class: 'button', href: ctx.link('discovery')}, 'Go to Token Discovery to validate')]})));
  }

  const later = afterPause(write, 150);
  const search = field({label: 'Search credentials', hideLabel: true, type: 'search', placeholder: 'Search credentials', class: 'usage-search'});
  search.input.addEventListener('input', () => {
    filter = search.input.value.trim();
    later();
  });

  async function load() {
    try {
      ({credentials: all} = await ctx.rpc('tokenDiscovery.status'));
      loaded = true;
      write();
    } catch (error) {
      if (error.name === 'AbortError') return;
      if (loaded) ctx.toastError(error, 'Quotas');
      else fill(place, h('div', {class: 'card'}, errorState(error, load)));
    }
  }

  ctx.everySecond((at) => {
    // A window that has just ended is whole again: only the server knows what it is now.
    if (windows.some(({quota}) => quota.resetsAt && Math.abs(instant(quota.resetsAt) + 2000 - at) < 500)) load();
  });

  return {
    node: h('section', {class: 'stack'},
      h('div', {class: 'usage-bar'}, h('h2', {}, 'Quota windows of subscriptions'), h('div', {class: 'row'}, search,
        segments({label: 'Show', value: show, options: [['all', 'All'], ['full', '75\u202f% and more']], run: (value) => {
          show = value;
          write();
        }}))),
      h('p', {class: 'muted small quota-key'}, h('span', {class: 'quota-key-mark', 'aria-hidden': 'true'}), 'The line in a bar is the time gone: used left of it lasts until the reset, used right of it runs out before.'),
      count, place),
    load,
  };
}
