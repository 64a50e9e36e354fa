// SPDX-License-Identifier: MIT
// How a credential stands, in one word a person knows, and what it wants from that person.
import {instant} from './format.js';

const CLI_NAMES = {
  'kimi-cli': 'Kimi CLI', 'kimi-code': 'Kimi Code', 'codex-cli': 'Codex CLI', 'qwen-cli': 'Qwen Code', 'gemini-cli': 'Gemini CLI',
  'claude-cli': 'Claude Code', antigravity: 'Antigravity', 'copilot-cli': 'Copilot CLI', 'copilot-editors': 'Copilot in editors',
  gh: 'GitHub CLI', 'cursor-cli': 'Cursor CLI', 'cursor-app': 'Cursor', amp: 'Amp', grok: 'Grok', droid: 'Droid', iflow: 'iFlow',
  'gcloud-adc': 'Google Cloud', opencode: 'OpenCode', aider: 'Aider', dotenv: '.env files', env: 'Environment', manual: 'Entered here',
  own: 'Own login', moonshot: 'Kimi open platform', config: 'Configuration',
};

/** "Codex CLI" for "codex-cli"; what is unknown keeps its id. */
export const cliName = (cli) => CLI_NAMES[cli] ?? cli;

const REASONS = {
  unusable: 'Not usable', expired: 'Expired', expired_unrefreshable: 'Expired', unverified: 'Not checked yet', revoked: 'Revoked',
  needs_login: 'Needs a login', policy_forbidden: 'Not allowed by policy', excluded_by_order: 'Not in the order',
  at_concurrency_limit: 'Fully in use', over_fair_share: 'Over its fair share', missing_scope: 'Missing scope', not_imported: 'Not imported',
};

/** "needs_exchange" as "needs exchange". */
export const inWords = (name) => (name ?? '').replaceAll('_', ' ');

/**
 * {group, kind, words, until}: group "ready", "waiting", "attention" or "out" (by choice); kind is the status dot's.
 * `now` decides whether a cooldown is over although no event said so yet.
 */
export function standing(credential, now) {
  const {pool, status} = credential;
  if (pool.disabled) return {group: 'out', kind: 'off', words: 'Disabled'};
  const until = instant(pool.until);
  if (pool.reason === 'cooling_down' && until !== null && until > now) return {group: 'waiting', kind: 'warn', words: 'Cooling down', until: pool.until};
  if (pool.reason === 'quota_exhausted') return {group: 'waiting', kind: 'warn', words: 'Quota used up', until: pool.until};
  if (status === 'revoked') return {group: 'attention', kind: 'bad', words: 'Revoked'};
  if (status === 'needs_login') return {group: 'attention', kind: 'bad', words: 'Needs a login'};
  if (status === 'invalid') return {group: 'attention', kind: 'bad', words: 'Invalid'};
  if (status === 'expired') return {group: 'attention', kind: credential.refreshable ? 'warn' : 'bad', words: credential.refreshable ? 'Expired, can be refreshed' : 'Expired'};
  if (pool.reason === 'not_imported' || (!pool.imported && credential.usable && !pool.eligible)) return {group: 'out', kind: 'off', words: 'Not imported'};
  if (pool.reason === 'policy_forbidden' || pool.reason === 'excluded_by_order') return {group: 'out', kind: 'off', words: REASONS[pool.reason]};
  if (pool.reason === 'at_concurrency_limit') return {group: 'ready', kind: 'wait', words: REASONS[pool.reason]};
  if (!pool.eligible && pool.reason !== 'cooling_down') {
    return {group: 'attention', kind: 'bad', words: REASONS[pool.reason] ?? inWords(pool.reason)};
  }
  if (credential.inFlight > 0) return {group: 'ready', kind: 'good', words: `In use (${credential.inFlight})`};
  if (status === 'expiring') return {group: 'ready', kind: 'good', words: 'Ready, renews soon'};
  return {group: 'ready', kind: 'good', words: 'Ready'};
}

/** The cooldowns of a credential that are not over: those of single models leave it ready for the others. */
export const restsOf = (credential, now) => (credential.rests ?? []).filter((rest) => instant(rest.until) > now);

/** Whether a row shows its Refresh button at once: something is wrong, or soon will be, that a new login mends. */
export function wantsRefresh(credential, now) {
  if (credential.pool.disabled) return false;
  return standing(credential, now).group === 'attention' || credential.status === 'expiring';
}

const OWNERSHIP = {
  borrow: ['Borrowed', 'Only the CLI spends its refresh token; credpool lends the access token.'],
  co_own: ['Shared', 'The CLI and credpool both refresh it, under the CLI\'s own lock.'],
  adopt: ['Adopted', 'credpool refreshes it; the CLI reads what credpool wrote.'],
};

/** [word, sentence] for an ownership mode; a key has nothing to own. */
export const ownership = (credential) => (credential.kind === 'api_key' && !credential.refreshable
  ? ['Key', 'A key is not refreshed by anybody.'] : OWNERSHIP[credential.ownership] ?? [inWords(credential.ownership), '']);
