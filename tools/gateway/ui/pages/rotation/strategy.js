// SPDX-License-Identifier: MIT
// Choosing the strategy. Nothing is switched before the button is pressed, and nothing is said before the server has answered.
import {button} from '../../components/button.js';
import {badge} from '../../components/status.js';
import {fill, freshId, h} from '../../lib/dom.js';

export function strategyPart(ctx, pool, changed) {
  const name = freshId('strategy');
  const admin = ctx.session.may('admin');
  const cards = h('fieldset', {class: 'strategies'}, h('legend', {class: 'unseen'}, 'Strategy'));
  const foot = h('div', {class: 'row strategy-foot'});
  let draft = null;
  let written = '';

  async function apply() {
    const wanted = draft;
    try {
      const {changed: changes, file} = await ctx.lastingRpc('tokenDiscovery.configure', {patch: {rotationStrategy: wanted}});
      const now = changes.find((one) => one.path === 'rotationStrategy')?.after ?? wanted;
      pool.strategy = now;
      draft = null;
      show();
      ctx.toast(`The strategy is ${now} now.`, {hint: file ? `Written to ${file}` : ''});
      cards.querySelector('input:checked')?.focus();
      changed();
    } catch (error) {
      ctx.toastError(error, 'Strategy');
    }
  }

  function showFoot() {
    const differs = draft !== null && draft !== pool.strategy;
    fill(foot, differs
      ? [button(`Switch to ${draft}`, {kind: 'primary', run: apply}), button('Keep ' + pool.strategy, {kind: 'quiet', run: () => {
        draft = null;
        show();
        cards.querySelector('input:checked')?.focus();
      }})]
      : h('p', {class: 'muted'}, admin ? 'Choose another one to switch; requests under way are not touched.' : 'Switching needs the scope admin.'));
  }

  function show() {
    const state = JSON.stringify([pool.strategies, pool.strategy]);
    if (state !== written) {
      written = state;
      const focused = cards.contains(document.activeElement);
      fill(cards, cards.firstElementChild, pool.strategies.map((one) => {
        const input = h('input', {type: 'radio', name, value: one.name, disabled: !admin, onchange: () => {
          draft = one.name;
          showFoot();
        }});
        return h('label', {class: 'strategy'}, input, h('span', {class: 'strategy-text'},
          h('span', {class: 'strategy-name'}, one.name, one.name === pool.strategy && badge('in use', 'accent')), h('span', {class: 'muted small'}, one.sentence)));
      }));
      if (focused) [...cards.querySelectorAll('input')].find((one) => one.value === (draft ?? pool.strategy))?.focus();
    }
    for (const input of cards.querySelectorAll('input')) input.checked = input.value === (draft ?? pool.strategy);
    showFoot();
  }

  return {node: h('section', {class: 'card'}, h('div', {class: 'card-head'}, h('h2', {}, 'Strategy')), h('div', {class: 'card-body'}, cards, foot)), show};
}
