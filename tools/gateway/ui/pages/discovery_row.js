// SPDX-License-Identifier: MIT
// One row of the table of credentials, written in place when something about it changes.
import {h, setAttribute, setText} from '../lib/dom.js';
import {liveTime, now, setLiveTime} from '../lib/clock.js';
import {cliName, ownership, restsOf, wantsRefresh} from '../lib/credential.js';
import {plural} from '../lib/format.js';
import {button} from '../components/button.js';
import {menuButton} from '../components/menu.js';
import {sparkline} from '../components/sparkline.js';

const COLUMNS = [['Credential', 'who'], ['Status', 'standing'], ['Expires', 'expiry'], ['Last hour', 'usage'], ['Last used', 'used'], ['Ownership', 'owner'], ['Actions', 'do']];

export const rowHeader = () => h('div', {role: 'row', class: 'credential head'},
    COLUMNS.map(([words, name]) => h('div', {role: 'columnheader', class: name}, name === 'do' ? h('span', {class: 'unseen'}, words) : words)));

// What the policy says of a credential that is well.
const NOT_LENT = {ask: 'not by the proxy until you allow it', forbid: 'never by the proxy: forbidden'};

/** What a ready credential is not lent for. */
function exceptions(credential) {
  const models = [...new Set(restsOf(credential, now()).map((rest) => rest.model))];
  if (models.length > 0) return `cools down for ${models.length === 1 ? models[0] || 'every model' : `${models.length} models`}`;
  return NOT_LENT[credential.policy.use] ?? '';
}

const cell = (name, ...children) => h('div', {role: 'cell', class: name}, children);

/** {open(id), actions, of(id) -> credential}; the element has update(credential). */
export function credentialRow(id, {open, actions, of}) {
  const name = h('button', {type: 'button', class: 'link-button clip', onclick: () => open(id)});
  const where = h('span', {class: 'muted small clip'});
  const dot = h('span', {class: 'dot', 'aria-hidden': 'true'});
  const words = h('span', {});
  const status = h('span', {class: 'status'}, dot, words);
  const left = liveTime(null, {form: 'left', over: 'over', class: 'muted small'});
  const detail = h('span', {class: 'muted small clip detail'});
  const expiry = liveTime(null, {form: 'expiry'});
  const renews = h('span', {class: 'muted small'});
  const spark = sparkline([]);
  const uses = h('span', {class: 'muted small number'});
  const used = liveTime(null, {form: 'ago', none: 'never', class: 'nowrap'});
  const owner = h('span', {});
  const refresh = button('Refresh', {icon: 'refresh', class: 'compact', run: () => actions.refresh(of(id))});
  const menu = menuButton('More actions', () => actions.menu(of(id), () => open(id)));
  const row = h('div', {role: 'row', class: 'credential', dataset: {id}},
      cell('who', name, where),
      cell('standing', h('span', {class: 'row'}, status, left), detail),
      cell('expiry', h('span', {class: 'cell-label', 'aria-hidden': 'true'}, 'Expires '), expiry, renews),
      cell('usage', spark, uses),
      cell('used', h('span', {class: 'cell-label', 'aria-hidden': 'true'}, 'Used '), used),
      cell('owner', owner),
      cell('do', refresh, menu));

  row.update = (credential) => {
    const {standing, pool} = credential;
    setText(name, credential.profileId);
    setAttribute(name, 'aria-label', `${credential.profileId}, details`);
    setText(where, [cliName(credential.cli), credential.account, credential.plan].filter(Boolean).join(' \u00b7 '));
    setAttribute(status, 'class', `status ${standing.kind}`);
    setText(words, standing.words);
    setLiveTime(left, standing.until ?? null);
    const more = standing.group === 'ready' ? exceptions(credential) : credential.detail;
    setText(detail, more);
    setAttribute(detail, 'title', more);
    setLiveTime(expiry, credential.expiresAt);
    if (!credential.expiresAt) setText(expiry, credential.kind === 'api_key' ? 'no expiry' : 'unknown');
    setText(renews, credential.expiresAt && credential.refreshable && standing.group === 'ready' && credential.ownership !== 'borrow' ? 'renewed by itself' : '');
    spark.set(credential.recent);
    const requests = (credential.recent ?? []).reduce((sum, one) => sum + one, 0);
    setText(uses, requests > 0 ? plural(requests, 'request') : 'no request');
    setLiveTime(used, pool.lastUsed);
    const [word, sentence] = ownership(credential);
    setText(owner, word);
    setAttribute(owner, 'title', sentence);
    refresh.hidden = !wantsRefresh(credential, now());
    setAttribute(refresh, 'aria-label', `Refresh ${credential.profileId}`);
    setAttribute(menu, 'aria-label', `More actions for ${credential.profileId}`);
    row.classList.toggle('faded', standing.group === 'out');
  };
  return row;
}
