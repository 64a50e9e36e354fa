// SPDX-License-Identifier: MIT
// What was found and used when, by hash: 100,000 entries in a list that asks the server for what is in view.
import {button, copyButton} from '../components/button.js';
import {choice, field} from '../components/field.js';
import {menuButton} from '../components/menu.js';
import {emptyState, errorState} from '../components/states.js';
import {statusDot} from '../components/status.js';
import {afterPause, fill, h, setAttribute, setText} from '../lib/dom.js';
import {absolute, number, plural, shortHash} from '../lib/format.js';
import {liveTime} from '../lib/clock.js';
import {atMostEvery} from '../lib/pace.js';
import {PagedSource} from '../lib/paged_source.js';
import {VirtualList} from '../lib/virtual_list.js';
import {clearHistory} from './history/clear.js';
import {exportHistory} from './history/export.js';
import {STATUSES, statusOf} from './history/words.js';

const FILTERS = ['text', 'cli', 'status', 'order'];
const QUIET = 5000;   // ms between two looks while requests only move counters
const VERIFY = 30_000;  // ms between two verifications of the whole file

class HistoryPage {
  #ctx;
  #filter;
  #source;
  #list;
  #total = 0;
  #matching = 0;
  #failure = null;
  #verified = 0;

  constructor(root, ctx) {
    this.#ctx = ctx;
    this.#filter = Object.fromEntries(FILTERS.map((name) => [name, ctx.query.get(name) ?? '']));
    this.#source = new PagedSource((offset, limit, signal) => this.#fetch(offset, limit, signal));
    this.#source.onpage = (answer) => this.#take(answer);
    this.#source.onerror = (error) => this.#fail(error);
    this.#list = new VirtualList({
      label: 'History entries',
      class: 'history-list card',
      head: h('div', {class: 'history-row history-head', role: 'row'},
        ['Profile', 'Status', 'Uses', 'Found', 'Last used', 'Token'].map((text) => h('span', {role: 'columnheader'}, text))),
      render: (index, row) => this.#render(index, row),
      onrange: (first, last) => this.#source.show(first, last),
    });
    this.chain = h('p', {class: 'history-chain'}, statusDot('wait', 'Being verified'));
    this.count = h('p', {class: 'number', role: 'status'});
    this.reset = button('Clear filters', {kind: 'quiet', run: () => this.#clearFilters()});
    this.state = h('div', {class: 'history-state card', hidden: true});
    fill(root, h('div', {class: 'stack'}, this.chain, this.#filters(),
      h('div', {class: 'row between history-count'}, this.count, this.reset), this.#list.node, this.state));
    this.#buttons();
  }

  // ---- what can be done ---------------------------------------------------------------------------------------------

  #buttons() {
    const run = (format) => exportHistory(this.#ctx, format, this.#params(), this.#matching);
    this.exporting = menuButton('Export', () => ['csv', 'json'].map((format) => ({
      text: `${plural(this.#matching, 'entry', 'entries')} as ${format.toUpperCase()}`,
      disabled: this.#matching === 0,
      run: () => run(format),
    })), {icon: 'download', text: 'Export'});
    this.clearing = button('Clear', {kind: 'danger', icon: 'trash', run: () => { this.#clear(); }});
    if (!this.#ctx.session.may('admin')) {
      this.clearing.disabled = true;
      this.clearing.title = 'Needs the scope admin';
    }
    fill(this.#ctx.actions, this.exporting, this.clearing);
  }

  async #clear() {
    if (this.#total === 0) {
      this.#ctx.toast('The history is empty already.', {kind: 'note'});
      return;
    }
    if (await clearHistory(this.#ctx, this.#total)) await this.load();
  }

  #filters() {
    const search = field({label: 'Search', type: 'search', value: this.#filter.text, placeholder: 'Profile, provider or hash', class: 'history-search'});
    const later = afterPause((text) => this.#set('text', text), 250);
    search.input.addEventListener('input', () => later(search.input.value.trim()));
    const select = (name, label, options) => choice({label, value: this.#filter[name], options, run: (value) => this.#set(name, value)});
    const clis = select('cli', 'CLI', [['', 'All']]);
    const status = select('status', 'Status', [['', 'All'], ...[...STATUSES].map(([name, [, words]]) => [name, words])]);
    const order = select('order', 'Order', [['', 'Newest first'], ['oldest', 'Oldest first']]);
    this.controls = {text: search.input, cli: clis.input, status: status.input, order: order.input};
    this.#nameClis();
    return h('div', {class: 'history-filters', role: 'search', 'aria-label': 'Filter the history'}, search, clis, status, order);
  }

  /** The CLIs to choose from are those the server knows; a filter in the address may name another. */
  async #nameClis() {
    const select = this.controls.cli;
    const write = (names) => {
      const all = this.#filter.cli && !names.includes(this.#filter.cli) ? [...names, this.#filter.cli] : names;
      fill(select, h('option', {value: ''}, 'All'), all.map((name) => h('option', {value: name}, name)));
      select.value = this.#filter.cli;
    };
    write([]);
    try {
      const {clis} = await this.#ctx.rpc('tokenDiscovery.status');
      write((clis ?? []).map((one) => one.cli ?? one.name ?? one.id).filter(Boolean));
    } catch {
      // The list itself tells what is wrong with the server.
    }
  }

  #set(name, value) {
    if (this.#filter[name] === value) return;
    this.#filter[name] = value;
    this.#ctx.setQuery(this.#params());
    this.#list.scrollTo({index: 0});
    this.load();
  }

  #clearFilters() {
    for (const name of FILTERS) {
      if (name === 'order') continue;
      this.#filter[name] = '';
      this.controls[name].value = '';
    }
    this.#ctx.setQuery(this.#params());
    this.controls.text.focus();
    this.load();
  }

  #params() {
    return Object.fromEntries(Object.entries(this.#filter).filter(([, value]) => value !== ''));
  }

  get #filtered() {
    return ['text', 'cli', 'status'].some((name) => this.#filter[name] !== '');
  }

  // ---- what is there ------------------------------------------------------------------------------------------------

  async #fetch(offset, limit, signal) {
    const options = signal ? {signal: AbortSignal.any([signal, this.#ctx.signal])} : {};
    // Without looking for changes made by others, which reads all of the file and its chain: verify() does that beside.
    const answer = await this.#ctx.rpc('tokenDiscovery.getHistory', {...this.#params(), offset, limit, verify: false}, options);
    return {...answer, items: answer.entries};
  }

  /** Everything anew; rows that are shown stay until the new ones are here. */
  async load() {
    setAttribute(this.#list.box, 'aria-busy', 'true');
    try {
      const answer = await this.#source.restart();
      if (answer) this.#take(answer);
    } catch (error) {
      if (error.name !== 'AbortError') this.#fail(error);
    } finally {
      setAttribute(this.#list.box, 'aria-busy', null);
    }
  }

  #take(answer) {
    const more = answer.matching - this.#matching;
    const place = this.#list.position;
    this.#failure = null;
    this.#total = answer.total;
    this.#matching = answer.matching;
    this.#list.setCount(answer.matching);
    // Newer entries come in above: what somebody reads stays where it is.
    if (more > 0 && this.#filter.order !== 'oldest' && (place.index > 0 || place.offset > 0)) this.#list.scrollTo({index: place.index + more, offset: place.offset});
    this.#list.refresh();
    this.#verify();
    this.#showState();
  }

  #fail(error) {
    this.#failure = error;
    this.#showState();
  }

  refresh() {
    if (this.#failure || this.#matching === 0) this.load();
    else this.#source.refresh();
  }

  /** Whether the file is as it was written; not more often than each half minute, for it takes seconds for a long one. */
  async #verify() {
    if (Date.now() - this.#verified < VERIFY) return;
    this.#verified = Date.now();
    try {
      this.#showChain(await this.#ctx.rpc('tokenDiscovery.getHistory', {limit: 1, verify: true}));
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.chain.className = 'history-chain';
      fill(this.chain, statusDot('off', 'Not verified'), h('span', {}, error.message));
    }
  }

  #showChain({verified, path}) {
    const broken = !verified.ok;
    this.chain.className = broken ? 'history-chain note bad' : 'history-chain';
    fill(this.chain,
      broken ? statusDot('bad', 'Changed by somebody else')
        : verified.records === 0 ? statusDot('off', 'No record to check it against yet') : statusDot('good', 'Unchanged since it was written'),
      h('span', {class: 'break'}, broken ? `${verified.detail}. ` : '', h('code', {}, path)));
    if (broken) setAttribute(this.chain, 'role', 'alert');
    else setAttribute(this.chain, 'role', null);
  }

  #showState() {
    const none = this.#failure !== null || this.#matching === 0;
    this.#list.node.hidden = none;
    this.state.hidden = !none;
    this.reset.hidden = !this.#filtered;
    const {most} = this.#list;
    setText(this.count, this.#failure ? '' : this.#filtered
      ? `${number(this.#matching)} of ${plural(this.#total, 'entry', 'entries')}`
      : `${plural(this.#total, 'entry', 'entries')}${this.#matching > most ? `; the first ${number(most)} can be scrolled to, a filter shows others` : ''}`);
    if (this.#failure) {
      fill(this.state, errorState(this.#failure, () => this.load()));
    } else if (none) {
      fill(this.state, this.#filtered
        ? emptyState({title: 'No entry matches', text: 'Other words or fewer filters may find what you look for.', actions: [button('Clear filters', {run: () => this.#clearFilters()})]})
        : emptyState({title: 'The history is empty', text: 'Each scan writes down which login it has found, by hash; the token itself is never kept here.',
          actions: [h('a', {class: 'button primary', href: this.#ctx.link('discovery')}, 'Go to Token Discovery to scan')]}));
    }
  }

  #render(index, row) {
    const entry = this.#source.at(index);
    row.classList.add('history-row');
    if (!entry) {
      fill(row, h('span', {role: 'cell', class: 'history-profile'}, h('span', {class: 'history-wait', 'aria-hidden': 'true'}), h('span', {class: 'unseen'}, 'Loading')));
      return;
    }
    const [kind, words] = statusOf(entry.status);
    const failures = entry.consecutiveFailures > 0 ? `${plural(entry.consecutiveFailures, 'failure')} in a row` : '';
    const focused = row.contains(document.activeElement);
    fill(row,
      h('span', {role: 'cell', class: 'history-profile'},
        h('button', {type: 'button', class: 'history-open clip', title: entry.profileId, 'aria-label': `${entry.profileId}: all details`, onclick: () => this.#details(entry)}, entry.profileId),
        h('span', {class: 'muted small clip'}, entry.cli)),
      h('span', {role: 'cell', class: 'history-status'}, statusDot(kind, words, failures), failures && h('span', {class: 'small muted clip'}, failures)),
      h('span', {role: 'cell', class: 'history-uses number'}, number(entry.usageCount), h('span', {class: 'history-unit'}, entry.usageCount === 1 ? ' use' : ' uses')),
      h('span', {role: 'cell', class: 'history-found muted'}, liveTime(entry.detectedAt)),
      h('span', {role: 'cell', class: 'history-last muted'}, entry.lastUsedAt ? liveTime(entry.lastUsedAt) : 'never'),
      h('span', {role: 'cell', class: 'history-hash mono muted'}, shortHash(entry.tokenHash)));
    if (focused) row.querySelector('button').focus({preventScroll: true});
  }

  #details(entry) {
    const [kind, words] = statusOf(entry.status);
    const time = (at, none) => (at ? [absolute(at), ' (', liveTime(at), ')'] : none);
    const pairs = [
      ['CLI', entry.cli], ['Provider', entry.provider], ['Status', statusDot(kind, words)], ['Uses', number(entry.usageCount)],
      ['Failures in a row', number(entry.consecutiveFailures)], ['Found', time(entry.detectedAt, '-')], ['Last used', time(entry.lastUsedAt, 'never')],
      ['Token', [h('code', {}, entry.tokenHash), ' ', copyButton(() => entry.tokenHash, 'Copy the hash')]],
    ];
    this.#ctx.dialog({title: entry.profileId, body: h('dl', {class: 'pairs'}, pairs.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]))});
  }

  close() {
    this.#source.close();
    this.#list.close();
  }
}

export const page = {
  title: 'History',
  styles: ['plots.css', 'pages/history.css'],
  async mount(root, ctx) {
    const history = new HistoryPage(root, ctx);
    const soon = afterPause(() => history.refresh(), 300);
    const later = atMostEvery(() => history.refresh(), QUIET);
    ctx.onLeave(later.stop);
    ctx.on('*', (data, type) => {
      if (type === 'resync' || type === 'scan.finished' || type.startsWith('credential.')) soon();
      else if (type === 'activity') later();
    });
    ctx.onLeave(() => history.close());
    await history.load();
  },
};
