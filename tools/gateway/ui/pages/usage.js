// SPDX-License-Identifier: MIT
// Usage and budgets: what was served, what the subscriptions have left, what accounts and their keys spend.
import {tabs} from '../components/tabs.js';
import {emptyState, errorState} from '../components/states.js';
import {afterPause, fill, h} from '../lib/dom.js';
import {atMostEvery} from '../lib/pace.js';
import {accountsPart} from './usage/accounts.js';
import {activityPart} from './usage/activity.js';
import {quotasPart} from './usage/quotas.js';

const START = {tab: 'activity', days: '30', by: 'model', measure: 'requests', what: 'cost', per: 'key', account: ''};
const QUIET = 5000;  // ms between two looks while requests come in

const withoutAccounts = (status) => h('div', {class: 'card'}, emptyState({
  title: 'This server has no accounts',
  text: status.hint || 'It lends to everybody who reaches it (--open). Start it without --open to have accounts, keys with limits, and credits.',
}));

export const page = {
  title: 'Usage and budgets',
  styles: ['plots.css', 'pages/usage.css'],
  async mount(root, ctx) {
    const state = Object.fromEntries(Object.entries(START).map(([name, value]) => [name, ctx.query.get(name) ?? value]));
    const remember = () => ctx.setQuery(Object.fromEntries(Object.entries(state).filter(([name, value]) => value !== START[name])));
    const parts = {activity: activityPart(ctx, state, remember), quotas: quotasPart(ctx)};
    let live = null;  // the part that is shown

    const open = (name, panel) => {
      live = parts[name];
      fill(panel, live.node);
      live.load();
    };

    async function openAccounts(panel) {
      live = null;
      if (!parts.accounts) {
        let status;
        try {
          status = await ctx.rpc('accounts.status');
        } catch (error) {
          if (error.name !== 'AbortError' && state.tab === 'accounts') fill(panel, errorState(error, () => openAccounts(panel)));
          return;
        }
        if (state.tab !== 'accounts') return;
        if (!status.enabled) {
          fill(panel, withoutAccounts(status));
          return;
        }
        parts.accounts = accountsPart(ctx, status.timeZone, state, remember);
      }
      open('accounts', panel);
    }

    const list = [
      {id: 'activity', title: 'Activity', render: (panel) => open('activity', panel)},
      {id: 'quotas', title: 'Quota windows', render: (panel) => open('quotas', panel)},
      {id: 'accounts', title: 'Accounts and keys', render: openAccounts},
    ];
    if (!list.some((one) => one.id === state.tab)) state.tab = START.tab;
    fill(root, tabs(list, {label: 'Usage and budgets', selected: state.tab, onselect: (id) => {
      if (id === state.tab) return;
      state.tab = id;
      remember();
    }}));

    const soon = afterPause(() => live?.load(), 300);
    const later = atMostEvery(() => live?.load(), QUIET);
    ctx.onLeave(later.stop);
    ctx.on('*', (data, type) => {
      if (type === 'resync' || (type.startsWith('credential.') && live === parts.quotas)) soon();
      else if (type === 'activity') later();
    });
  },
};
