// SPDX-License-Identifier: MIT
import {button} from '../../components/button.js';
import {field} from '../../components/field.js';
import {h} from '../../lib/dom.js';
import {plural} from '../../lib/format.js';

const WORD = 'clear';

/** Asks, with a word to be typed, and clears the whole history. Resolves to whether it was cleared. */
export async function clearHistory(ctx, total) {
  const word = field({label: `Type ${WORD} to go on`, class: 'confirm-word', autofocus: true});
  const run = button(`Remove ${plural(total, 'entry', 'entries')}`, {kind: 'danger'});
  const dialog = ctx.dialog({
    title: 'Clear the history?',
    class: 'confirm',
    body: [
      h('p', {}, `All ${plural(total, 'entry', 'entries')} are removed, whatever the filter shows. This cannot be undone; export them first if you may need them.`),
      h('p', {class: 'muted'}, 'Credentials, their cooldowns and their order stay as they are.'),
      word,
    ],
    actions: [button('Cancel', {run: () => dialog.close(false)}), run],
  });
  const go = async () => {
    if (word.input.value.trim().toLowerCase() !== WORD) {
      word.fail(`Type the word ${WORD}, so that this does not happen by accident.`);
      return;
    }
    try {
      const {removed} = await ctx.lastingRpc('tokenDiscovery.clearHistory');
      ctx.toast(`Removed ${plural(removed, 'entry', 'entries')}.`);
      dialog.close(true);
    } catch (error) {
      word.fail(error.hint ? `${error.message} ${error.hint}` : error.message);
    }
  };
  run.addEventListener('click', go);
  word.input.addEventListener('keydown', (event) => { if (event.key === 'Enter') go(); });
  return (await dialog.closed) === true;
}
