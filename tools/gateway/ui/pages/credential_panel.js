// SPDX-License-Identifier: MIT
// All that is known about one credential, in a drawer at the right; live while it is open.
import {fill, h} from '../lib/dom.js';
import {liveTime, now} from '../lib/clock.js';
import {cliName, inWords, ownership, restsOf} from '../lib/credential.js';
import {duration, number, percent, shortHash} from '../lib/format.js';
import {button, copyButton} from '../components/button.js';
import {openDialog} from '../components/dialog.js';
import {sparkline} from '../components/sparkline.js';
import {badge, statusDot} from '../components/status.js';

const POLICY = {allow: ['good', 'allowed'], ask: ['warn', 'ask first'], forbid: ['bad', 'forbidden']};

const pairs = (list) => h('dl', {class: 'pairs'}, list.filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
const part = (title, ...children) => h('section', {class: 'stack tight'}, h('h3', {}, title), children);

function quotaMeter(quota) {
  const used = quota.usedPercent ?? (quota.limit ? (100 * quota.used) / quota.limit : null);
  const kind = used >= 95 ? 'bad' : used >= 80 ? 'warn' : '';
  const fillBar = h('div', {});
  if (used !== null) fillBar.style.width = `${Math.min(100, used)}%`;
  return h('div', {class: 'quota'},
      h('div', {class: 'row between'}, h('span', {}, quota.name, quota.partial ? h('span', {class: 'muted small', title: 'Counted here only; other programs use it too'}, ' (at least)') : ''),
          h('span', {class: 'number muted'}, used === null ? 'not told' : `${percent(used)} used`, quota.limit ? ` (${number(quota.used)} of ${number(quota.limit)})` : '')),
      h('div', {class: ['meter', kind], role: 'meter', 'aria-label': `${quota.name} used`, 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': Math.round(used ?? 0)}, fillBar),
      h('div', {class: 'muted small'}, quota.resetsAt ? ['starts anew in ', liveTime(quota.resetsAt, {form: 'left', over: 'a moment'})] : '',
          quota.lengthSeconds ? ` (every ${duration(quota.lengthSeconds * 1000)})` : ''));
}

function refreshWords(credential) {
  const {refresh} = credential;
  if (!credential.refreshable) return 'Nothing to refresh.';
  if (!refresh || refresh.state === 'well' || refresh.state === 'none') return 'Well.';
  return [inWords(refresh.state), refresh.failures ? `, failed ${refresh.failures} times in a row` : '', refresh.detail ? `: ${refresh.detail}` : ''].join('');
}

function content(credential, actions, settings) {
  const {pool, policy, standing} = credential;
  const [word, sentence] = ownership(credential);
  const [policyKind, policyWords] = POLICY[policy.use] ?? ['plain', policy.use];
  const spark = sparkline(credential.recent);
  const rests = restsOf(credential, now());
  const act = (text, run, options = {}) => button(text, {...options, run});
  return [
    h('div', {class: 'row between'},
        h('div', {class: 'row'}, statusDot(standing.kind, standing.words), standing.until && h('span', {class: 'muted'}, liveTime(standing.until, {form: 'left', over: 'over'}), ' left')),
        h('div', {class: 'row'}, credential.plan && badge(credential.plan), badge(credential.kind === 'api_key' ? 'key' : inWords(credential.kind)))),
    (credential.detail || credential.reason) && h('p', {class: ['note', standing.group === 'attention' && 'bad']}, credential.detail || inWords(credential.reason)),
    credential.refresh?.next && h('div', {class: 'command'}, h('code', {}, credential.refresh.next), copyButton(() => credential.refresh.next)),
    h('div', {class: 'row'},
        act('Validate', () => actions.validate(credential)),
        act('Refresh', () => actions.refresh(credential), {icon: 'refresh'}),
        (standing.group === 'waiting' || rests.length > 0) && act('End cooldown', () => actions.clearCooldown(credential)),
        pool.imported ? act('Take out of the pool', () => actions.setImported(credential, false)) : act('Import', () => actions.setImported(credential, true)),
        pool.disabled ? act('Enable', () => actions.setDisabled(credential, false)) : act('Disable', () => actions.setDisabled(credential, true), {kind: 'danger'})),
    credential.quota?.length > 0 && part('Quota', credential.quota.map(quotaMeter)),
    rests.length > 0 && part('Cooldowns', pairs(rests.map((rest) => [rest.model || 'Every model', [inWords(rest.reason), ', ', liveTime(rest.until, {form: 'left', over: 'over'}), ' left']]))),
    part('Login', pairs([
      ['Profile', h('code', {}, credential.profileId)],
      ['CLI', cliName(credential.cli)],
      ['Provider', credential.provider],
      ['Account', credential.account],
      ['Expires', credential.expiresAt ? liveTime(credential.expiresAt) : credential.kind === 'api_key' ? 'no expiry' : 'unknown'],
      ['Next refresh', credential.nextRefresh ? liveTime(credential.nextRefresh) : null],
      ['Refresh', refreshWords(credential)],
      ['Ownership', `${word}. ${sentence}`],
      ['Address', credential.baseUrl && h('code', {}, credential.baseUrl)],
      ['Token', credential.tokenHash && h('code', {title: credential.tokenHash}, shortHash(credential.tokenHash))],
      ['Last check', credential.verdict && [inWords(credential.verdict.status), credential.verdict.reason ? ` (${inWords(credential.verdict.reason)})` : '', ', ', liveTime(credential.verdict.at)]],
    ])),
    part('Use', h('div', {class: 'panel-spark'}, spark), pairs([
      ['Last used', pool.lastUsed ? liveTime(pool.lastUsed) : 'never'],
      ['Uses', number(Math.round(pool.uses))],
      ['In use now', `${credential.inFlight ?? 0}${credential.limit ? ` of at most ${credential.limit}` : ''}`],
    ])),
    part('Where it is stored', h('ul', {class: 'stack tight'}, credential.places.map((place) => h('li', {},
        h('code', {class: 'break'}, place.location), place.pointer && h('span', {class: 'muted break'}, ` at ${place.pointer}`),
        place.warnings.map((warning) => h('p', {class: 'note warn small'}, inWords(warning))))))),
    part('Policy', pairs([
      ['Through the proxy', badge(policyWords, policyKind)],
      ['Set by', policy.configured ? 'the configuration' : 'default'],
      ['Why', policy.why],
      ['Terms', policy.terms && /^https:\/\//.test(policy.terms) ? h('a', {href: policy.terms, target: '_blank', rel: 'noreferrer noopener'}, policy.terms) : policy.terms],
      ['Read on', policy.readOn],
    ]), h('p', {}, h('a', {href: settings}, 'Change it in Settings'))),
  ];
}

/** -> {id, update(credential), close()} */
export function openCredential(ctx, credential, actions, onclose) {
  const dialog = openDialog({title: credential.profileId, class: 'drawer', onclose});
  let shown = '';
  const panel = {
    id: credential.id,
    close: () => dialog.close(),
    update(next) {
      if (!next) {
        dialog.close();
        return;
      }
      // Counters that tick do not redraw it: a redraw takes the focus and the scroll of who reads.
      const {recent, standing, inFlight, pool, ...rest} = next;
      const key = JSON.stringify([rest, standing.words, pool.disabled, pool.imported, pool.until, Math.floor(now() / 60_000)]);
      if (key === shown) return;
      shown = key;
      const focused = dialog.body.contains(document.activeElement) ? document.activeElement.textContent : '';
      const scroll = dialog.body.scrollTop;
      fill(dialog.body, content(next, actions, ctx.link('settings')));
      dialog.body.scrollTop = scroll;
      if (focused) [...dialog.body.querySelectorAll('button')].find((one) => one.textContent === focused)?.focus();
    },
  };
  panel.update(credential);
  return panel;
}
