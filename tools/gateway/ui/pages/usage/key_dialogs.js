// SPDX-License-Identifier: MIT
// Dialogs about one key. Each resolves to false when nothing was changed.
import {button, copyButton} from '../../components/button.js';
import {choice, field} from '../../components/field.js';
import {h} from '../../lib/dom.js';

const RESETS = [['', 'Never: once used, it is used up'], ['daily', 'Every day'], ['weekly', 'Every week, on Monday'], ['monthly', 'On the first of each month']];
const MONEY = /^\d{1,9}(\.\d{1,6})?$/;

/** The amount of a field, null when empty; undefined (and the field says why) when it is none. */
export function amountOf(element, {least = 0} = {}) {
  const text = element.input.value.trim().replace(/^\$/, '').replaceAll(',', '');
  if (text === '') return null;
  if (!MONEY.test(text) || Number(text) < least) {
    element.fail(least > 0 ? `An amount of at least $${least}, such as 25 or 12.50.` : 'An amount in dollars, such as 25 or 12.50; empty for no limit.');
    return undefined;
  }
  return Number(text);
}

function limitFields(key) {
  const limit = field({label: 'Limit in dollars', inputmode: 'decimal', hint: 'Empty: no limit but the account\u2019s credits.', value: key?.credit_limit ?? ''});
  const reset = choice({label: 'The limit is renewed', value: key?.limit_reset ?? '', options: RESETS});
  const expiry = field({label: 'Expires on', type: 'date', hint: 'At the beginning of that day in UTC. Empty: never.', value: key?.expires_at?.slice(0, 10) ?? ''});
  return {
    nodes: [limit, reset, expiry],
    read() {
      const amount = amountOf(limit);
      if (amount === undefined) return null;
      return {credit_limit: amount, limit_reset: reset.input.value || null, expires_at: expiry.input.value || null};
    },
  };
}

/** A dialog of fields with one action; run() does it and gives what the dialog resolves to, or throws. */
async function formDialog(ctx, {title, body, action, kind = 'primary', first, run}) {
  const go = button(action, {kind});
  const failure = h('p', {class: 'field-error', role: 'alert'});
  const form = h('form', {class: 'stack', novalidate: true}, body, failure, h('button', {type: 'submit', class: 'unseen', tabindex: '-1', 'aria-hidden': 'true'}, action));
  const dialog = ctx.dialog({title, body: form, actions: [button('Cancel', {run: () => dialog.close(false)}), go]});
  let busy = false;
  const submit = async () => {
    if (busy) return;
    failure.textContent = '';
    busy = true;
    go.setAttribute('aria-busy', 'true');
    try {
      const result = await run();
      if (result !== undefined) dialog.close(result);
    } catch (error) {
      failure.textContent = error.hint ? `${error.message} ${error.hint}` : error.message;
    } finally {
      busy = false;
      go.removeAttribute('aria-busy');
    }
  };
  go.addEventListener('click', submit);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  first?.input.focus();
  return (await dialog.closed) ?? false;
}

/** Shows a key the only time it can be shown. Escape does not close it by accident: it is gone then. */
async function showOnce(ctx, key, title) {
  let kept = false;
  const copy = copyButton(() => key.key, 'Copy the key');
  copy.classList.add('primary');
  copy.addEventListener('click', () => { kept = true; });
  const warning = h('p', {role: 'status', class: 'small'});
  const dialog = ctx.dialog({
    title,
    class: 'key-once',
    body: [h('p', {}, 'Copy it now: it is shown this once. The server keeps only its digest.'),
      h('div', {class: 'command'}, h('code', {class: 'key-value', tabindex: '0', 'aria-label': 'The key'}, key.key), copy), warning],
    actions: [button('I have kept it', {run: () => dialog.close(true)})],
    mayClose: () => {
      if (!kept) warning.textContent = 'Not copied yet. When you have it elsewhere, press "I have kept it".';
      return kept;
    },
  });
  copy.focus();
  await dialog.closed;
}

export async function createKey(ctx, account) {
  const name = field({label: 'Name', hint: 'Letters, digits, _ and -; who or what uses it.', maxlength: 100, required: true});
  const limits = limitFields(null);
  const made = await formDialog(ctx, {title: 'Create a key', body: [name, limits.nodes], action: 'Create', first: name, async run() {
    const text = name.input.value.trim();
    if (!/^[A-Za-z0-9_-]{1,100}$/.test(text)) {
      name.fail('1 to 100 letters, digits, _ or -, without spaces.');
      return undefined;
    }
    const members = limits.read();
    return members ? ctx.lastingRpc('keys.create', {account: account.id, name: text, ...members}) : undefined;
  }});
  if (!made) return false;
  await showOnce(ctx, made, `The new key ${made.name}`);
  return true;
}

export async function changeLimit(ctx, account, key) {
  const limits = limitFields(key);
  const done = await formDialog(ctx, {title: `Limit and expiry of ${key.name}`, body: limits.nodes, action: 'Save', first: limits.nodes[0], async run() {
    const members = limits.read();
    return members ? ctx.lastingRpc('keys.update', {account: account.id, hash: key.hash, ...members}) : undefined;
  }});
  if (done) ctx.toast(`${key.name} has its new limit.`);
  return done !== false;
}

export async function rotateKey(ctx, account, key) {
  const sure = await ctx.confirm({title: `Rotate ${key.name}?`, action: 'Rotate the key',
    text: 'A new value is made and the present one ends at once: whatever uses it stops working until it has the new one. Limit and usage stay.'});
  if (!sure) return false;
  try {
    const made = await ctx.lastingRpc('keys.rotate', {account: account.id, hash: key.hash});
    await showOnce(ctx, made, `The new value of ${key.name}`);
    return true;
  } catch (error) {
    ctx.toastError(error, 'Rotate');
    return false;
  }
}

export async function revokeKey(ctx, account, key) {
  const sure = await ctx.confirm({title: `Revoke ${key.name}?`, action: 'Revoke the key',
    text: 'The key ends for good; this cannot be undone. What it has spent stays in the records, and its name can be used again.'});
  if (!sure) return false;
  try {
    await ctx.lastingRpc('keys.revoke', {account: account.id, hash: key.hash});
    ctx.toast(`${key.name} is revoked.`);
    return true;
  } catch (error) {
    ctx.toastError(error, 'Revoke');
    return false;
  }
}

/** Gives credits to an account, with a second look at the sum. */
export async function grantCredits(ctx, account, money) {
  const amount = field({label: 'Amount in dollars', inputmode: 'decimal', required: true});
  const note = field({label: 'Note', hint: 'Shown in the account\u2019s history of credits.', maxlength: 200});
  const asked = await formDialog(ctx, {title: `Grant credits to ${account.email}`, body: [amount, note], action: 'Go on', first: amount, async run() {
    const value = amountOf(amount, {least: 0.01});
    if (value === null) amount.fail('How much?');
    return value ? {value, text: note.input.value.trim()} : undefined;
  }});
  if (!asked) return false;
  const sure = await ctx.confirm({title: `Grant ${money(asked.value)}?`, text: `${account.email} can spend ${money(asked.value)} more. Granted credits cannot be taken back here.`, action: `Grant ${money(asked.value)}`, danger: false});
  if (!sure) return false;
  try {
    await ctx.lastingRpc('credits.grant', {account: account.id, amount: asked.value, note: asked.text});
    ctx.toast(`Granted ${money(asked.value)} to ${account.email}.`);
    return true;
  } catch (error) {
    ctx.toastError(error, 'Grant');
    return false;
  }
}
