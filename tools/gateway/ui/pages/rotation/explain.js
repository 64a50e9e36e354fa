// SPDX-License-Identifier: MIT
// Who would serve a request now, and why not the others. Nothing is lent by asking.
import {button} from '../../components/button.js';
import {choice, field} from '../../components/field.js';
import {errorState, loadingState} from '../../components/states.js';
import {badge, statusDot} from '../../components/status.js';
import {afterPause, fill, freshId, h, setAttribute} from '../../lib/dom.js';
import {liveTime} from '../../lib/clock.js';
import {number, plural} from '../../lib/format.js';
import {reasonOf} from './words.js';

const FIRST = 40;

/** state: {provider, model, session, pin}, kept in the address. -> {node, load()} */
export function explainPart(ctx, pool, state, remember) {
  const models = freshId('models');
  const options = h('datalist', {id: models});
  const verdict = h('div', {class: 'explain-verdict', role: 'status'});
  const place = h('div', {class: 'card'}, loadingState(4));
  let asked = 0;
  let loaded = false;

  const text = (name, label, hint, more = {}) => {
    const element = field({label, hint, value: state[name], ...more});
    element.input.addEventListener('input', () => later([name, element.input.value.trim()]));
    return element;
  };
  const later = afterPause(([name, value]) => {
    state[name] = value;
    remember();
    load();
  }, 250);

  const providers = [...new Set(pool.credentials.map((one) => one.provider))].sort();
  const pins = pool.credentials.map((one) => one.profileId).sort();
  const form = h('div', {class: 'card padded explain-form', role: 'group', 'aria-label': 'A sample request'},
    choice({label: 'Provider', value: state.provider, options: [['', 'Any'], ...providers.map((one) => [one, one])], run: (value) => later(['provider', value])}),
    text('model', 'Model', '', {list: models, placeholder: 'any'}),
    text('session', 'Session', 'Requests of one session stay on one credential.', {placeholder: 'none'}),
    pins.length <= 100
      ? choice({label: 'Pinned to', value: state.pin, options: [['', 'Nobody'], ...pins.map((one) => [one, one])], run: (value) => later(['pin', value])})
      : text('pin', 'Pinned to', 'A profile or an id.', {placeholder: 'nobody'}),
    options);

  function line(one) {
    const [kind, words] = reasonOf(one.reason);
    const more = [one.model && `for ${one.model}`, one.trial && 'on trial: one request at a time'].filter(Boolean).join('; ');
    return h('tr', {class: one.chosen ? 'chosen' : null},
      h('th', {scope: 'row'}, h('span', {class: 'break'}, one.profileId), one.chosen && badge('would serve', 'good')),
      h('td', {}, h('span', {class: 'explain-why'}, statusDot(kind, words), more && h('span', {class: 'muted small'}, more), one.until && h('span', {class: 'muted small'}, 'for another ', liveTime(one.until, {form: 'left', over: 'moment'})))),
      h('td', {class: 'number'}, one.reason === 'eligible' ? `${one.tier > 0 ? `${number(one.tier)} / ` : ''}${Number(one.score).toLocaleString('en-US', {maximumFractionDigits: 2})}` : '-'),
      h('td', {class: 'number'}, Number(one.uses).toLocaleString('en-US', {maximumFractionDigits: 1})), h('td', {class: 'number'}, number(one.inFlight)));
  }

  function show(answer) {
    const {candidates, chosen, retryAt, policy} = answer;
    const winner = candidates.find((one) => one.id === chosen);
    const eligible = candidates.filter((one) => one.reason === 'eligible').length;
    fill(verdict, winner
      ? [statusDot('good', h('span', {}, h('strong', {class: 'break'}, winner.profileId), ' would serve it')), h('p', {class: 'muted'}, `${policy} chose it among ${plural(eligible, 'credential')} that can.`)]
      : [statusDot('bad', 'Nobody can serve it'), h('p', {class: 'muted'}, candidates.length === 0 ? 'There is no credential.' : retryAt ? ['Trying again makes sense ', liveTime(retryAt), '.'] : 'Waiting does not help: somebody has to act on one of the reasons below.')]);
    setAttribute(verdict, 'data-served', winner ? 'yes' : 'no');
    const others = state.provider ? candidates.filter((one) => one.reason === 'wrong_provider').length : 0;
    const rows = candidates.filter((one) => !(state.provider && one.reason === 'wrong_provider'))
      .sort((a, b) => b.chosen - a.chosen || (b.reason === 'eligible') - (a.reason === 'eligible') || a.tier - b.tier || a.score - b.score || a.profileId.localeCompare(b.profileId));
    const body = h('tbody', {}, rows.slice(0, FIRST).map(line));
    const more = rows.length > FIRST && button(`Show all ${plural(rows.length, 'credential')}`, {kind: 'quiet', run: () => {
      fill(body, rows.map(line));
      more.remove();
    }});
    fill(place, h('div', {class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': 'Candidates'}, h('table', {class: 'table explain-table'},
      h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'Credential'), h('th', {scope: 'col'}, 'Verdict'), h('th', {scope: 'col', class: 'number', title: 'The lowest is next; tier / score where the strategy has tiers'}, 'Score'), h('th', {scope: 'col', class: 'number', title: 'Recent uses; older ones count less'}, 'Recent uses'), h('th', {scope: 'col', class: 'number'}, 'Under way'))), body)),
      more, others > 0 && h('p', {class: 'muted small explain-others'}, `${plural(others, 'credential')} of other providers left out.`));
  }

  async function load() {
    const turn = ++asked;
    const request = Object.fromEntries(['provider', 'model', 'session', 'pin'].filter((name) => state[name]).map((name) => [name, state[name]]));
    try {
      const answer = await ctx.rpc('tokenDiscovery.explain', request);
      if (turn !== asked) return;
      loaded = true;
      show(answer);
    } catch (error) {
      if (error.name === 'AbortError' || turn !== asked) return;
      fill(verdict);
      setAttribute(verdict, 'data-served', null);
      fill(place, errorState(error, load));
    }
  }

  return {
    node: h('section', {class: 'stack'}, h('h2', {}, 'Who would serve this request?'), form, verdict, place),
    load,
    live: () => { if (loaded) load(); },
    setModels: (names) => fill(options, names.map((one) => h('option', {value: one}))),
  };
}
