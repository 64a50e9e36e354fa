// SPDX-License-Identifier: MIT
// What can be done with credentials: each says what came of it.
import {h} from '../lib/dom.js';
import {now} from '../lib/clock.js';
import {cliName, inWords, restsOf} from '../lib/credential.js';
import {plural} from '../lib/format.js';
import {button} from '../components/button.js';
import {toast, toastError} from '../components/toast.js';
import {openRefresh} from './refresh_dialog.js';

// Findings of a check: good, whatever else is in the way; and those that prove nothing.
const GOOD = new Set(['valid', 'out_of_quota', 'rate_limited']);
const OPEN = new Set(['request_error', 'transient', 'could_not_tell']);
// Sources that are not a program one logs in to.
const NO_LOGIN = new Set(['env', 'dotenv', 'config', 'manual', 'own', 'aider', 'copilot-editors', 'cursor-app']);

/** Methods over ctx; `reload` loads the page's data again. */
export function credentialActions(ctx, reload) {
  const attempt = async (doing, run) => {
    try {
      const said = await run();
      if (said) toast(said);
      await reload();
    } catch (error) {
      toastError(error, doing);
    }
  };

  const actions = {
    scan: (importing) => attempt('Scanning', async () => {
      const found = await ctx.rpc('tokenDiscovery.scan', {import: importing});
      for (const failure of found.errors.slice(0, 2)) toast(`${cliName(failure.cli)}: ${failure.message}`, {kind: 'bad'});
      const taken = found.imported.length;
      const end = !importing ? '' : taken > 0 ? `, imported ${taken}` : ', nothing new to import';
      return `Found ${plural(found.credentials.length, 'credential')} in ${found.elapsedMs} ms${end}.`;
    }),

    validateAll: () => attempt('Validating', async () => {
      const {validated} = await ctx.rpc('tokenDiscovery.validate', {});
      const good = validated.filter((one) => GOOD.has(one.verdict)).length;
      const open = validated.filter((one) => OPEN.has(one.verdict)).length;
      return `Checked ${plural(validated.length, 'credential')}: ${good} accepted, ${validated.length - good - open} refused${open > 0 ? `, ${open} could not be told` : ''}.`;
    }),

    validate: (credential) => attempt('Validating', async () => {
      const {validated} = await ctx.rpc('tokenDiscovery.validate', {credential: credential.id});
      const verdict = validated.find((one) => one.id === credential.id) ?? validated[0];
      if (verdict?.verdict === 'valid') return `${credential.profileId} is accepted by ${credential.provider}.`;
      const words = !verdict ? 'cannot be checked' : OPEN.has(verdict.verdict) ? `whether it is good could not be told (${inWords(verdict.verdict)})` : inWords(verdict.verdict);
      toast(`${credential.profileId}: ${words}.`, {kind: verdict && !OPEN.has(verdict.verdict) ? 'bad' : 'note', hint: verdict?.detail ?? ''});
      return '';
    }),

    refresh: (credential) => openRefresh(ctx, {cli: credential.cli, credential: credential.id, tokenHash: credential.tokenHash, profileId: credential.profileId}),

    setDisabled: async (credential, value) => {
      if (value && credential.inFlight > 0) {
        const sure = await ctx.confirm({title: 'Disable while in use?', action: 'Disable',
          text: `${credential.profileId} serves ${plural(credential.inFlight, 'request')} now. What is under way ends normally; new requests go elsewhere.`});
        if (!sure) return;
      }
      await attempt(value ? 'Disabling' : 'Enabling', async () => {
        await ctx.rpc('tokenDiscovery.setDisabled', {credential: credential.id, value});
        return `${credential.profileId} is ${value ? 'disabled: it is not lent any more' : 'enabled'}.`;
      });
    },

    setImported: async (credential, value) => {
      if (!value) {
        const sure = await ctx.confirm({title: 'Take it out of the pool?', action: 'Take out',
          text: `${credential.profileId} stays where it is, but is not lent until it is imported again.`});
        if (!sure) return;
      }
      await attempt(value ? 'Importing' : 'Taking out', async () => {
        await ctx.rpc('tokenDiscovery.setImported', {credential: credential.id, value});
        return `${credential.profileId} is ${value ? 'imported: it may be lent now' : 'not in the pool any more'}.`;
      });
    },

    clearCooldown: async (credential) => {
      const sure = await ctx.confirm({title: 'End this cooldown now?', action: 'End cooldown',
        text: `${credential.provider} asked to wait. Asking again too early can make it wait longer.`});
      if (!sure) return;
      await attempt('Ending the cooldown', async () => {
        const {cleared} = await ctx.rpc('cooldown.clear', {credential: credential.id});
        return cleared ? `${credential.profileId} may be lent again.` : 'There was no cooldown any more.';
      });
    },

    /** The items of a row's menu. */
    menu: (credential, open) => {
      const {pool} = credential;
      const cooling = pool.reason === 'cooling_down' || pool.reason === 'quota_exhausted' || restsOf(credential, now()).length > 0;
      return [
        {text: 'Details', run: open},
        {text: 'Validate now', run: () => actions.validate(credential)},
        {text: 'Refresh or log in again', run: () => actions.refresh(credential)},
        ...(cooling ? [{text: 'End cooldown', run: () => actions.clearCooldown(credential)}] : []),
        ...(pool.imported ? [{text: 'Take out of the pool', run: () => actions.setImported(credential, false)}]
          : [{text: 'Import', run: () => actions.setImported(credential, true)}]),
        pool.disabled ? {text: 'Enable', run: () => actions.setDisabled(credential, false)} : {text: 'Disable', danger: true, run: () => actions.setDisabled(credential, true)},
      ];
    },

    /** Asks for which CLI, then how. */
    add: (clis) => {
      const list = clis.filter((one) => !NO_LOGIN.has(one.cli)).concat({cli: 'moonshot'});
      const dialog = ctx.dialog({title: 'Add a login', body: [
        h('p', {class: 'muted'}, 'For which CLI? The next step shows the ways to log in, and takes keys and tokens too.'),
        h('div', {class: 'cli-choices'}, list.map((one) => button(cliName(one.cli), {class: 'cli-choice', run: async () => {
          dialog.close();
          await dialog.closed;
          openRefresh(ctx, {cli: one.cli});
        }}))),
      ]});
    },
    login: (cli) => openRefresh(ctx, {cli}),
  };
  return actions;
}
