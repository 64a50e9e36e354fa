// SPDX-License-Identifier: MIT
// Nothing was found: which CLIs were looked for, where, and what to do now.
import {h} from '../lib/dom.js';
import {cliName} from '../lib/credential.js';
import {button, copyButton} from '../components/button.js';

const shortened = (path) => path.replace(/^(\/root|\/(home|Users)\/[^/]+)\//, '~/');

export function lookedFor(clis, actions) {
  const rows = clis.filter((cli) => cli.login.looked.length > 0 || cli.program);
  return h('div', {class: 'nothing-found'},
      h('div', {class: 'stack tight'},
          h('h2', {}, 'No login found on this machine'),
          h('p', {class: 'muted'}, 'Log in with one of these CLIs and scan again, or log in here. To see it all work with made-up logins, run:'),
          h('div', {class: 'command'}, h('code', {}, 'credpool demo'), copyButton(() => 'credpool demo'))),
      h('div', {class: 'table-scroll', tabindex: 0, role: 'region', 'aria-label': 'What was looked for'},
          h('table', {class: 'table'},
              h('thead', {}, h('tr', {}, ['CLI', 'Program', 'Looked in', ''].map((text) => h('th', {scope: 'col'}, text || h('span', {class: 'unseen'}, 'Actions'))))),
              h('tbody', {}, rows.map((cli) => h('tr', {},
                  h('th', {scope: 'row'}, cliName(cli.cli)),
                  h('td', {class: cli.program ? 'mono' : 'muted nowrap'}, cli.program ?? 'not on PATH'),
                  h('td', {}, cli.login.looked.map((path) => h('code', {class: 'path', title: path}, shortened(path)))),
                  h('td', {}, !['aider', 'dotenv', 'copilot-editors', 'cursor-app'].includes(cli.cli) && button('Log in', {class: 'compact', 'aria-label': `Log in to ${cliName(cli.cli)}`, run: () => actions.login(cli.cli)}))))))));
}
