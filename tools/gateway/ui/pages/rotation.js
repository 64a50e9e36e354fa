// SPDX-License-Identifier: MIT
// Rotation: what serves now, how it is chosen, and what another way would do.
import {tabs} from '../components/tabs.js';
import {button} from '../components/button.js';
import {statusDot} from '../components/status.js';
import {afterPause, fill, h} from '../lib/dom.js';
import {plural} from '../lib/format.js';
import {setServerTime} from '../lib/clock.js';
import {explainPart} from './rotation/explain.js';
import {livePart} from './rotation/live.js';
import {ordersPart} from './rotation/orders.js';
import {prioritiesPart} from './rotation/priorities.js';
import {simulatePart} from './rotation/simulate.js';
import {strategyPart} from './rotation/strategy.js';

const START = {tab: 'live', minutes: '30', provider: '', model: '', session: '', pin: ''};
const STANDING = /^(credential\.|cooldowns\.changed|pool\.|settings\.changed|scan\.finished|resync)/;

function standing(pool, change) {
  const sentence = pool.strategies.find((one) => one.name === pool.strategy)?.sentence ?? '';
  const able = pool.credentials.filter((one) => one.pool?.eligible).length;
  const busy = pool.credentials.reduce((sum, one) => sum + (one.inFlight ?? 0), 0);
  return [
    h('div', {class: 'standing-strategy'}, h('p', {}, 'Strategy: ', h('strong', {}, pool.strategy)), h('p', {class: 'muted'}, sentence), change),
    h('div', {class: 'standing-pool'},
      statusDot(able > 0 ? 'good' : 'bad', able > 0 ? `${able} of ${plural(pool.credentials.length, 'credential')} can serve now` : pool.credentials.length > 0 ? 'Nobody can serve now' : 'No credential yet'),
      h('span', {class: 'muted'}, `${plural(busy, 'request')} under way`)),
  ];
}

export const page = {
  title: 'Rotation',
  styles: ['plots.css', 'pages/rotation.css'],
  async mount(root, ctx) {
    const state = Object.fromEntries(Object.entries(START).map(([name, value]) => [name, ctx.query.get(name) ?? value]));
    const remember = () => ctx.setQuery(Object.fromEntries(Object.entries(state).filter(([name, value]) => value !== START[name])));
    const pool = {strategy: '', strategies: [], credentials: []};
    const bar = h('div', {class: 'card padded standing'});
    const parts = {};
    let shown = null;

    const change = button('Change', {class: 'compact', run: () => switcher.select('strategy')});
    const takeStatus = (status) => {
      setServerTime(status.at);
      Object.assign(pool, {strategy: status.strategy, strategies: status.strategies ?? [], credentials: status.credentials});
      const focused = bar.contains(document.activeElement);
      fill(bar, standing(pool, change));
      if (focused) change.focus();
    };
    takeStatus(await ctx.rpc('tokenDiscovery.status'));

    const refresh = async () => {
      try {
        takeStatus(await ctx.rpc('tokenDiscovery.status'));
      } catch (error) {
        ctx.toastError(error, 'Status');
        return;
      }
      shown?.standing?.();
    };

    const make = {
      live() {
        const live = livePart(ctx, pool, state, remember);
        return {node: live.node, load: live.load, standing: live.show};
      },
      strategy() {
        const changed = () => refresh();
        const strategy = strategyPart(ctx, pool, changed);
        const priorities = prioritiesPart(ctx, pool, changed);
        const orders = ordersPart(ctx, pool, changed);
        const load = async () => {
          strategy.show();
          try {
            const [{settings}, {order}] = await Promise.all([ctx.rpc('tokenDiscovery.settings'), ctx.rpc('order.get')]);
            priorities.take(settings);
            orders.take(order);
          } catch (error) {
            if (error.name !== 'AbortError') ctx.toastError(error, 'Settings');
          }
        };
        return {
          node: h('div', {class: 'strategy-grid'}, strategy.node, h('div', {class: 'stack'}, priorities.node, orders.node)), load,
          standing: load,
        };
      },
      explain() {
        const explain = explainPart(ctx, pool, state, remember);
        const load = async () => {
          explain.load();
          try {
            const {models} = await ctx.rpc('activity.recent', {minutes: 60});
            explain.setModels(models.map((one) => one.model).filter(Boolean));
          } catch {
            // Names to choose from are a help only.
          }
        };
        return {node: explain.node, load, standing: explain.live};
      },
      simulate: () => simulatePart(ctx, pool),
    };

    const open = (name) => (panel) => {
      shown = parts[name] ??= make[name]();
      fill(panel, shown.node);
      shown.load();
    };
    const list = [['live', 'Live'], ['strategy', 'Strategy and order'], ['explain', 'Explain'], ['simulate', 'Simulate']]
      .map(([id, title]) => ({id, title, render: open(id)}));
    if (!list.some((one) => one.id === state.tab)) state.tab = START.tab;
    const switcher = tabs(list, {label: 'Rotation', selected: state.tab, onselect: (id) => {
      if (id === state.tab) return;
      state.tab = id;
      remember();
    }});
    fill(root, h('div', {class: 'stack'}, bar, switcher));

    const soon = afterPause(refresh, 300);
    ctx.on('*', (data, type) => {
      if (!STANDING.test(type)) return;
      soon();
      if (type === 'resync') shown?.load();
    });
    ctx.on('leases', ({credentials}) => {
      const running = new Map(credentials.map((one) => [one.id, one.inFlight]));
      for (const one of pool.credentials) if (running.has(one.id)) one.inFlight = running.get(one.id);
      takeStatus({...pool, at: null});
    });
  },
};
