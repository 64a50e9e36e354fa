// SPDX-License-Identifier: MIT
// The order of the credentials of one provider: who comes first, and who is left out.
import {button} from '../../components/button.js';
import {choice} from '../../components/field.js';
import {reorder} from '../../components/reorder.js';
import {badge} from '../../components/status.js';
import {fill, h} from '../../lib/dom.js';
import {plural} from '../../lib/format.js';

export function ordersPart(ctx, pool, changed) {
  const admin = ctx.session.may('admin');
  let orders = {};
  let provider = '';
  let draft = null;         // profile ids in order
  let left = new Set();     // those of the draft that are left out
  const picker = h('div', {});
  const sentence = h('p', {class: 'muted small'});
  const place = h('div', {});
  const foot = h('div', {class: 'row'});
  const list = reorder({label: 'Credentials of the provider in order', run: (keys) => {
    draft = keys;
    showFoot();
  }});

  const profiles = () => [...new Set(pool.credentials.filter((one) => one.provider === provider).map((one) => one.profileId))];

  function begin() {
    const given = orders[provider];
    const all = profiles();
    const inside = (given ?? all).filter((one) => all.includes(one));
    draft = [...inside, ...all.filter((one) => !inside.includes(one))];
    left = new Set(given ? all.filter((one) => !inside.includes(one)) : []);
    showList();
  }

  function showList() {
    list.show(draft.map((profile) => ({key: profile, name: profile, content: [
      h('span', {class: 'reorder-name break'}, profile),
      h('label', {class: 'toggle small'}, h('input', {type: 'checkbox', class: 'switch', role: 'switch', checked: !left.has(profile), 'aria-label': `Lend ${profile}`, onchange: (event) => {
        if (event.target.checked) left.delete(profile);
        else left.add(profile);
        showFoot();
      }}), 'lent'),
    ]})));
    fill(place, list);
    showFoot();
  }

  const wanted = () => draft.filter((one) => !left.has(one));

  function showFoot() {
    const none = wanted().length === 0;
    fill(foot, button('Save this order', {kind: 'primary', run: save, disabled: none, title: none ? 'At least one has to be lent' : null}), button('Cancel', {kind: 'quiet', run: stop}));
  }

  function stop() {
    draft = null;
    show();
  }

  async function call(method, params, words) {
    try {
      await ctx.lastingRpc(method, params);
      ({order: orders} = await ctx.lastingRpc('order.get'));
      ctx.toast(words);
      draft = null;
      show();
      changed();
    } catch (error) {
      ctx.toastError(error, 'Order');
    }
  }

  const save = () => call('order.set', {provider, profiles: wanted()}, `The order of ${provider} is saved.`);

  async function clear() {
    if (await ctx.confirm({title: `Remove the order of ${provider}?`, text: 'All its credentials are lent again, as the strategy chooses.', action: 'Remove the order'}))
      await call('order.clear', {provider}, `The order of ${provider} is removed.`);
  }

  function show() {
    const providers = [...new Set(pool.credentials.map((one) => one.provider))].sort();
    if (!providers.includes(provider)) provider = providers[0] ?? '';
    fill(picker, providers.length > 0 && choice({label: 'Provider', value: provider, options: providers.map((one) => [one, orders[one] ? `${one} (ordered)` : one]), run: (value) => {
      provider = value;
      stop();
    }}));
    if (!provider) {
      fill(sentence, 'No credential yet.');
      fill(place);
      fill(foot);
      return;
    }
    const given = orders[provider];
    const out = given ? profiles().filter((one) => !given.includes(one)) : [];
    fill(sentence, given ? 'Only these are lent. fill-first and pinned go by this order, other strategies by their own rule among them.' : 'No order: all credentials of this provider are lent, as the strategy chooses.');
    fill(place, given && h('ol', {class: 'order-shown'}, given.map((one) => h('li', {class: 'break'}, one, !profiles().includes(one) && badge('not found now', 'warn')))),
      out.length > 0 && h('p', {class: 'small order-left'}, `Left out: ${plural(out.length, 'credential')} (${out.slice(0, 3).join(', ')}${out.length > 3 ? ', \u2026' : ''})`));
    fill(foot, button(given ? 'Change the order' : 'Set an order', {run: begin, disabled: !admin}), given && button('Remove', {kind: 'danger', run: () => { clear(); }, disabled: !admin}));
  }

  return {
    node: h('section', {class: 'card'}, h('div', {class: 'card-head'}, h('h2', {}, 'Order in one provider')), h('div', {class: 'card-body'}, picker, sentence, place, foot)),
    show: () => { if (!draft && !picker.contains(document.activeElement)) show(); },
    take(order) {
      orders = order ?? {};
      if (!draft) show();
    },
  };
}
