// SPDX-License-Identifier: MIT
// Priorities of the sources: by drag, by keys, by number. Kept as a draft until saved.
import {button} from '../../components/button.js';
import {reorder} from '../../components/reorder.js';
import {emptyState} from '../../components/states.js';
import {fill, h} from '../../lib/dom.js';
import {plural} from '../../lib/format.js';

const PATH = /^cliSources\.(.+)\.priority$/;
const FALLBACK = 10;
const MOST = 1_000_000;

export function prioritiesPart(ctx, pool, changed) {
  const admin = ctx.session.may('admin');
  let known = new Map();   // cli -> priority, as the server has them
  let draft = null;        // Map in the order shown
  const list = reorder({label: 'Sources in the order of their priority', run: (keys) => {
    draft = new Map(keys.map((cli, i) => [cli, i + 1]));
    show(false);
  }});
  const place = h('div', {});
  const foot = h('div', {class: 'row'});
  const note = h('p', {class: 'muted small'});

  const sorted = (map) => new Map([...map].sort(([a, x], [b, y]) => x - y || a.localeCompare(b)));
  const changes = () => (draft ? [...draft].filter(([cli, value]) => known.get(cli) !== value) : []);

  function setNumber(cli, input) {
    const value = Number(input.value);
    if (!/^\d+$/.test(input.value) || value > MOST) {
      input.setAttribute('aria-invalid', 'true');
      ctx.announce(`A whole number from 0 to ${MOST}`);
      return;
    }
    draft = sorted(new Map(draft ?? known).set(cli, value));
    show(true);
    list.querySelector(`li[data-key="${CSS.escape(cli)}"] input`)?.focus();
  }

  // What arrives while somebody is typing waits: building the list anew would take the text away.
  let waiting = false;
  const typing = () => list.contains(document.activeElement) || list.querySelector('[aria-invalid="true"]') !== null;
  const showWhenIdle = () => {
    waiting = typing();
    if (!waiting) show();
  };
  list.addEventListener('focusout', () => setTimeout(() => {
    if (waiting) showWhenIdle();
  }));

  const countOf = (cli) => pool.credentials.filter((one) => one.cli === cli).length;

  function show(rebuild = true) {
    const values = draft ?? known;
    if (values.size === 0) {
      fill(place, emptyState({title: 'No source yet', text: 'A source appears here as soon as a scan has found one of its logins.'}));
      return;
    }
    if (list.parentNode !== place) fill(place, list);
    if (rebuild) {
      list.show([...values].map(([cli, value]) => ({key: cli, name: cli, content: [
        h('span', {class: 'reorder-name'}, h('span', {class: 'break'}, cli), h('span', {class: 'muted small'}, plural(countOf(cli), 'credential'))),
        h('input', {class: 'input priority-number number', inputmode: 'numeric', 'aria-label': `Priority of ${cli}`, value: String(value), readonly: !admin, onchange: (event) => setNumber(cli, event.target)}),
      ]})));
    } else {
      for (const [cli, value] of values) list.querySelector(`li[data-key="${CSS.escape(cli)}"] input`).value = String(value);
    }
    const some = changes();
    fill(foot, some.length > 0 && [button(`Save ${plural(some.length, 'priority', 'priorities')}`, {kind: 'primary', run: save, disabled: !admin}), button('Discard', {kind: 'quiet', run: () => {
      draft = null;
      show();
    }})]);
    fill(note, pool.strategy === 'priority'
      ? 'The lowest number that can serve is used; equal numbers take turns.'
      : `Used by the strategy priority; ${pool.strategy} does not look at them.`);
  }

  async function save() {
    try {
      const {changed: done, file} = await ctx.lastingRpc('tokenDiscovery.configure', {patch: Object.fromEntries(changes().map(([cli, value]) => [`cliSources.${cli}.priority`, value]))});
      for (const {path, after} of done) {
        const cli = PATH.exec(path)?.[1];
        if (cli) known.set(cli, after);
      }
      known = sorted(known);
      draft = null;
      show();
      ctx.toast('The priorities are saved.', {hint: file ? `Written to ${file}` : ''});
      changed();
    } catch (error) {
      ctx.toastError(error, 'Priorities');
    }
  }

  return {
    node: h('section', {class: 'card'}, h('div', {class: 'card-head'}, h('h2', {}, 'Priorities of sources')), h('div', {class: 'card-body'}, note, place, foot)),
    show: showWhenIdle,
    /** settings: as tokenDiscovery.settings gives them. Sources are those with a credential, and those somebody has set. */
    take(settings) {
      const found = new Set(pool.credentials.map((one) => one.cli));
      const set = new Map();
      for (const {path, value, origin} of settings) {
        const cli = PATH.exec(path)?.[1];
        if (cli && cli !== '*' && (found.has(cli) || origin !== 'default')) set.set(cli, Number(value));
      }
      for (const cli of found) if (!set.has(cli)) set.set(cli, FALLBACK);
      known = sorted(set);
      if (!draft) showWhenIdle();
    },
  };
}
