// SPDX-License-Identifier: MIT
// Token Discovery: a row per credential, live, and what can be done with each.
import {afterPause, announce, fill, h, oncePerFrame, reconcile, setAttribute, setText} from '../lib/dom.js';
import {now, setServerTime} from '../lib/clock.js';
import {cliName, standing} from '../lib/credential.js';
import {instant, plural} from '../lib/format.js';
import {button} from '../components/button.js';
import {choice, field} from '../components/field.js';
import {emptyState, errorState, loadingState} from '../components/states.js';
import {credentialActions} from './discovery_actions.js';
import {credentialRow, rowHeader} from './discovery_row.js';
import {lookedFor} from './discovery_empty.js';
import {openCredential} from './credential_panel.js';

const GROUPS = [['all', 'All'], ['ready', 'Ready'], ['waiting', 'Waiting'], ['attention', 'Needs attention'], ['out', 'Left out']];
const ATTENTION_FIRST = {attention: 0, waiting: 1, ready: 2, out: 3};
const FAR = Number.MAX_SAFE_INTEGER;
const SORTS = {
  found: ['As found', () => 0],
  status: ['Attention first', (a, b) => ATTENTION_FIRST[a.standing.group] - ATTENTION_FIRST[b.standing.group]],
  expiry: ['Expiry', (a, b) => (instant(a.expiresAt) ?? FAR) - (instant(b.expiresAt) ?? FAR)],
  used: ['Last used', (a, b) => (instant(b.pool.lastUsed) ?? 0) - (instant(a.pool.lastUsed) ?? 0)],
  uses: ['Most used', (a, b) => b.pool.uses - a.pool.uses],
  name: ['Name', (a, b) => a.profileId.localeCompare(b.profileId)],
};
const CHANGES = ['credential.added', 'credential.removed', 'credential.changed', 'credential.expiring', 'credential.refreshed', 'credential.failed',
  'credential.cooling', 'credential.recovered', 'cooldowns.changed', 'settings.changed', 'scan.finished', 'resync'];

function matches(credential, words) {
  const text = `${credential.profileId} ${credential.cli} ${cliName(credential.cli)} ${credential.provider} ${credential.account} ${credential.plan} ${credential.standing.words}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

class Discovery {
  constructor(root, ctx) {
    this.ctx = ctx;
    this.status = null;
    this.query = {text: ctx.query.get('text') ?? '', group: ctx.query.get('group') ?? 'all', cli: ctx.query.get('cli') ?? '', sort: ctx.query.get('sort') ?? 'found'};
    this.actions = credentialActions(ctx, () => this.load());
    this.panel = null;
    this.known = new Map();
    this.render = oncePerFrame(() => this.renderNow());
    this.loadSoon = soon(() => this.load().catch(() => {}), 300);
    this.build(root);
  }

  build(root) {
    const {query} = this;
    this.chips = GROUPS.map(([id, words]) => h('button', {type: 'button', class: 'chip', onclick: () => this.change({group: id})}, h('span', {}, words), ' ', h('span', {class: 'number chip-count'}, '')));
    this.search = field({label: 'Find a credential', hideLabel: true, type: 'search', placeholder: 'Name, CLI, provider, account', value: query.text, class: 'search'});
    this.search.input.addEventListener('input', afterPause(() => this.change({text: this.search.input.value}), 120));
    this.cli = choice({label: 'CLI', hideLabel: true, value: '', options: [['', 'All CLIs']], run: (cli) => this.change({cli})});
    const sort = choice({label: 'Order', hideLabel: true, value: query.sort in SORTS ? query.sort : 'found', options: Object.entries(SORTS).map(([id, [words]]) => [id, `Order: ${words.toLowerCase()}`]), run: (id) => this.change({sort: id})});
    this.bar = h('div', {class: 'filters'}, h('div', {class: 'chips', role: 'group', 'aria-label': 'Show'}, this.chips), h('div', {class: 'row finders'}, this.search, this.cli, sort));
    this.rows = h('div', {role: 'rowgroup', class: 'rows'});
    this.table = h('div', {role: 'table', class: 'card credentials', 'aria-label': 'Credentials'}, h('div', {role: 'rowgroup'}, rowHeader()), this.rows);
    this.none = h('div', {class: 'card', hidden: true});
    this.place = h('div', {class: 'stack'}, loadingState(8, 'Loading the credentials'));
    this.full = [this.bar, this.table, this.none];
    root.append(this.place);
    this.scanButton = button('Scan and import', {kind: 'primary', run: () => this.actions.scan(true)});
    this.ctx.actions.append(
        button('Add a login', {icon: 'plus', run: () => this.actions.add(this.status?.clis ?? [])}),
        button('Validate all', {run: () => this.actions.validateAll()}),
        button('Scan', {icon: 'search', run: () => this.actions.scan(false)}),
        this.scanButton);
  }

  change(part) {
    Object.assign(this.query, part);
    this.remember();
    this.render();
    if ('group' in part || 'text' in part || 'cli' in part) this.sayCount = true;
  }

  remember() {
    const {text, group, cli, sort} = this.query;
    this.ctx.setQuery({...(text && {text}), ...(group !== 'all' && {group}), ...(cli && {cli}), ...(sort !== 'found' && {sort}), ...(this.panel && {credential: this.panel.id})});
  }

  async load() {
    const status = await this.ctx.rpc('tokenDiscovery.status');
    setServerTime(status.at);
    this.status = status;
    this.byId = new Map(status.credentials.map((credential) => [credential.id, credential]));
    for (const rest of status.cooldowns) {
      const credential = this.byId.get(rest.credential);
      if (credential) (credential.rests ??= []).push(rest);
    }
    for (const id of this.known.keys()) if (!this.byId.has(id)) this.known.delete(id);
    this.render();
  }

  /** First load, and each one after an error: what failed is shown in the page. */
  async begin() {
    try {
      await this.load();
      this.renderNow();
    } catch (error) {
      if (error.name === 'AbortError' || error.kind === 'signed-out') return;
      fill(this.place, h('div', {class: 'card'}, errorState(error, () => this.begin())));
      return;
    }
    const wanted = this.ctx.query.get('credential');
    if (wanted && this.byId.has(wanted)) this.open(wanted);
  }

  renderNow() {
    if (!this.status || this.ctx.signal.aborted) return;
    const {credentials, clis} = this.status;
    if (credentials.length === 0) {
      fill(this.place, h('div', {class: 'card'}, lookedFor(clis, this.actions)));
      return;
    }
    if (this.bar.parentElement !== this.place) fill(this.place, this.full);
    const at = now();
    for (const credential of credentials) credential.standing = standing(credential, at);
    const counts = {all: credentials.length, ready: 0, waiting: 0, attention: 0, out: 0};
    for (const credential of credentials) counts[credential.standing.group] += 1;
    GROUPS.forEach(([id], index) => {
      setText(this.chips[index].lastElementChild, counts[id]);
      setAttribute(this.chips[index], 'aria-pressed', String(this.query.group === id));
    });
    this.fillClis(credentials);
    const {text, group, cli, sort} = this.query;
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const list = credentials.filter((one) => (group === 'all' || one.standing.group === group) && (!cli || one.cli === cli) && matches(one, words));
    if (sort !== 'found' && sort in SORTS) list.sort(SORTS[sort][1]);
    reconcile(this.rows, list, (one) => one.id, (one) => this.row(one.id), (row, one) => row.update(one));
    this.table.hidden = list.length === 0;
    this.none.hidden = list.length > 0;
    if (list.length === 0 && !this.none.firstChild) {
      this.none.append(emptyState({title: 'Nothing matches', text: 'No credential fits these filters.', actions: [button('Show all', {run: () => {
        this.search.input.value = '';
        this.cli.input.value = '';
        this.change({text: '', group: 'all', cli: ''});
        this.search.input.focus();
      }})]}));
    }
    if (this.sayCount) announce(`${plural(list.length, 'credential')} shown`);
    this.sayCount = false;
    this.panel?.update(this.byId.get(this.panel.id));
  }

  /** The row of a credential; those that a filter hides are kept. */
  row(id) {
    if (!this.known.has(id)) this.known.set(id, credentialRow(id, {open: (one) => this.open(one), actions: this.actions, of: (one) => this.byId.get(one)}));
    return this.known.get(id);
  }

  fillClis(credentials) {
    const clis = [...new Set(credentials.map((one) => one.cli))];
    const key = clis.join(' ');
    if (this.cliKey === key) return;
    this.cliKey = key;
    fill(this.cli.input, h('option', {value: ''}, 'All CLIs'), clis.map((cli) => h('option', {value: cli}, cliName(cli))));
    this.cli.input.value = this.query.cli;
  }

  open(id) {
    if (this.panel) return;
    this.panel = openCredential(this.ctx, this.byId.get(id), this.actions, () => {
      this.panel = null;
      if (!this.ctx.signal.aborted) this.remember();
    });
    this.remember();
  }

  /** Counters that change each second: written into what is shown, nothing is loaded. */
  lease({credentials}) {
    for (const {id, inFlight, uses} of credentials ?? []) {
      const credential = this.byId?.get(id);
      if (!credential) continue;
      credential.inFlight = inFlight;
      credential.pool.uses = uses;
    }
    this.render();
  }

  served({at, served}) {
    for (const {id, requests} of served ?? []) {
      const credential = this.byId?.get(id);
      if (!credential) continue;
      credential.pool.lastUsed = at;
      if (credential.recent?.length) credential.recent[credential.recent.length - 1] += requests;
    }
    this.render();
  }

  minute(at) {
    const minute = Math.floor(at / 60_000);
    if (this.lastMinute !== undefined && minute !== this.lastMinute && this.status) {
      for (const {recent} of this.status.credentials) {
        if (!recent?.length) continue;
        recent.shift();
        recent.push(0);
      }
      this.render();
    }
    this.lastMinute = minute;
    if (this.status?.credentials.some((one) => one.standing?.until && instant(one.standing.until) <= at)) this.loadSoon();
  }
}

/** Runs `run` at most once in `wait` ms, the first time after that wait. */
function soon(run, wait) {
  let timer = 0;
  return () => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = 0;
      run();
    }, wait);
  };
}

export const page = {
  title: 'Token Discovery',
  styles: ['pages/discovery.css'],
  async mount(root, ctx) {
    const view = new Discovery(root, ctx);
    for (const type of CHANGES) ctx.on(type, view.loadSoon);
    ctx.on('leases', (data) => view.lease(data));
    ctx.on('activity', (data) => view.served(data));
    ctx.everySecond((at) => view.minute(at));
    ctx.onLeave(() => view.panel?.close());
    await view.begin();
  },
};
