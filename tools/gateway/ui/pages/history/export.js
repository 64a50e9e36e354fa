// SPDX-License-Identifier: MIT
// The history as a file, put together from pages of the server.
import {button} from '../../components/button.js';
import {csv, download, stamp} from '../../lib/download.js';
import {h, setText} from '../../lib/dom.js';
import {now} from '../../lib/clock.js';
import {number, plural} from '../../lib/format.js';

const PAGE = 1000;
const COLUMNS = ['cli', 'provider', 'profileId', 'status', 'usageCount', 'consecutiveFailures', 'detectedAt', 'lastUsedAt', 'tokenHash'];

/** All entries that match. Oldest first, because then an entry that comes meanwhile moves no page. */
async function collect(ctx, filter, onprogress, signal) {
  const all = [];
  for (;;) {
    const answer = await ctx.rpc('tokenDiscovery.getHistory', {...filter, order: 'oldest', offset: all.length, limit: PAGE}, {signal});
    all.push(...answer.entries);
    onprogress(all.length, answer.matching);
    if (answer.entries.length === 0 || all.length >= answer.matching) return {entries: all, path: answer.path};
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
