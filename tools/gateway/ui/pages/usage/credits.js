// SPDX-License-Identifier: MIT
import {button} from '../../components/button.js';
import {errorState, loadingState} from '../../components/states.js';
import {badge} from '../../components/status.js';
import {fill, h} from '../../lib/dom.js';
import {liveTime} from '../../lib/clock.js';
import {money, plural} from '../../lib/format.js';
import {grantCredits} from './key_dialogs.js';

const PAGE = 10;
const TYPES = {purchase: 'bought', grant: 'granted', auto_topup: 'auto top-up', refund: 'refund', usage: 'used'};

/** What has been bought, granted and given back. -> {node, load(account), grant()} */
export function creditsPart(ctx, changed) {
  let account = null;
  let items = [];
  const place = h('div', {class: 'card'}, loadingState(2));

  function write(answer) {
    if (items.length === 0) {
      fill(place, h('p', {class: 'muted credits-none'}, 'No credits were bought or granted yet.'));
      return;
    }
    const left = answer.total - items.length;
    fill(place,
      h('div', {class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': 'History of credits'}, h('table', {class: 'table credits-table'},
        h('thead', {}, h('tr', {}, ['When', 'What', 'Amount', 'Balance after', 'Note'].map((text, i) => h('th', {scope: 'col', class: i === 2 || i === 3 ? 'number' : null}, text)))),
        h('tbody', {}, items.map((one) => h('tr', {}, h('td', {class: 'nowrap'}, liveTime(one.created_at)), h('td', {}, badge(TYPES[one.type] ?? one.type)),
          h('td', {class: 'number'}, money(one.amount)), h('td', {class: 'number'}, money(one.balance_after)), h('td', {class: 'break muted'}, one.description)))))),
      left > 0 && h('div', {class: 'row center keys-more'}, button(`Show older (${plural(left, 'entry', 'entries')} left)`, {kind: 'quiet', run: () => load(account, items.length)})));
  }

  async function load(which, from = 0) {
    if (which.id !== account?.id) {
      items = [];
      fill(place, loadingState(2));
    }
    account = which;
    try {
      const answer = await ctx.rpc('credits.history', {account: account.id, limit: from === 0 ? Math.max(PAGE, items.length) : PAGE, offset: from});
      if (which.id !== account.id) return;
      items = from === 0 ? answer.items : [...items, ...answer.items];
      write(answer);
    } catch (error) {
      if (error.name !== 'AbortError') fill(place, errorState(error, () => load(which)));
    }
  }

  return {
    node: h('section', {class: 'stack'}, h('h2', {}, 'History of credits'), place),
    load,
    async grant() {
      if (await grantCredits(ctx, account, money)) await Promise.all([load(account), changed()]);
    },
  };
}
