// SPDX-License-Identifier: MIT
// The history as a file, put together from pages of the server.
import {button} from '../../components/button.js';
import {csv, download, stamp} from '../../lib/download.js';
import {h, setText} from '../../lib/dom.js';
import {now} from '../../lib/clock.js';
import {number, plural} from '../../lib/format.js';

const PAGE = 1000;
const COLUMNS = ['cli', 'provider', 'profileId', 'status', 'usageCount', 'consecutiveFailures', 'detectedAt', 'lastUsedAt', 'tokenHash'];

const PASSES = 4;
const keyOf = (entry) => `${entry.cli}\n${entry.profileId}\n${entry.tokenHash}`;

/**
 * All entries that match, oldest first. An entry that is used meanwhile moves to the end, and all after it move up: each page
 * therefore begins with the last entry of the one before. Where they differ, entries may have been missed, and it is read again.
 */
async function collect(ctx, filter, onprogress, signal) {
  const union = new Map();
  for (let pass = 1; ; pass += 1) {
    const all = [];
    for (;;) {
      const overlap = all.length > 0 ? 1 : 0;
      const answer = await ctx.rpc('tokenDiscovery.getHistory', {...filter, order: 'oldest', offset: all.length - overlap, limit: PAGE, verify: false}, {signal});
      const steady = overlap === 0 || (answer.entries.length > 0 && keyOf(answer.entries[0]) === keyOf(all.at(-1)));
      for (const entry of answer.entries) union.set(keyOf(entry), entry);
      all.push(...answer.entries.slice(overlap));
      onprogress(all.length, answer.matching);
      if (!steady) break;
      if (all.length >= answer.matching || answer.entries.length <= overlap) return {entries: all, path: answer.path};
    }
    if (pass === PASSES) return {entries: [...union.values()], path: null};
  }
}

function write(format, {entries, path}) {
  const name = `credpool-history-${stamp(now())}.${format}`;
  if (format === 'csv') download(name, 'text/csv', csv(COLUMNS, entries));
  else download(name, 'application/json', `${JSON.stringify({version: 1, path, discovered: entries}, null, 2)}\n`);
  return name;
}

/** Writes what the filter shows as "json" or "csv"; more than one page shows how far it is and can be stopped. */
export async function exportHistory(ctx, format, {order, ...filter}, expected) {
  const stop = new AbortController();
  ctx.onLeave(() => stop.abort());
  let dialog = null;
  const bar = h('progress', {max: Math.max(1, expected), value: 0, class: 'export-bar', 'aria-label': 'Entries read'});
  const words = h('p', {class: 'number'}, 'Reading the first entries');
  if (expected > PAGE) {
    dialog = ctx.dialog({
      title: `Export as ${format.toUpperCase()}`,
      body: [words, bar],
      actions: [button('Cancel', {run: () => dialog.close()})],
      onclose: () => stop.abort(),
    });
  }
  try {
    const found = await collect(ctx, filter, (done, all) => {
      bar.max = Math.max(1, all);
      bar.value = done;
      setText(words, `Read ${number(done)} of ${plural(all, 'entry', 'entries')}`);
    }, stop.signal);
    if (order !== 'oldest') found.entries.reverse();
    const name = write(format, found);
    ctx.toast(`Exported ${plural(found.entries.length, 'entry', 'entries')} to ${name}.`);
  } catch (error) {
    ctx.toastError(error, 'Export');
  } finally {
    dialog?.close();
  }
}
