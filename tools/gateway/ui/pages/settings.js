// SPDX-License-Identifier: MIT
// Settings: each change is one `tokenDiscovery.configure`, and what the server answered stands beside it.
import {announce, fill, freshId, h, setText} from '../lib/dom.js';
import {cliName, inWords} from '../lib/credential.js';
import {button, copyButton, toggle} from '../components/button.js';
import {choice, field} from '../components/field.js';
import {errorState, loadingState} from '../components/states.js';
import {badge, statusDot} from '../components/status.js';
import {icon} from '../components/icons.js';

const SWITCHES = [
  ['scanOnStartup', 'Scan on start', 'Look for logins when the server starts.'],
  ['autoImport', 'Import by itself', 'Lend what was found at once; off, it waits until you import it.'],
  ['validateTokens', 'Validate before use', 'Ask the provider whether a login works before it is lent.'],
];
const POLICIES = [['', 'Default'], ['allow', 'Allow'], ['ask', 'Ask first'], ['forbid', 'Forbid']];
const USES = {allow: ['good', 'allowed'], ask: ['warn', 'ask first'], forbid: ['bad', 'forbidden']};
const NOT_SOURCES = new Set(['env', 'config', 'manual', 'own', 'dotenv']);
const DEFAULT_PRIORITY = 10;

const shownValue = (value) => (value === null || value === undefined ? 'not set' : typeof value === 'string' ? value : JSON.stringify(value));

class Settings {
  constructor(root, ctx) {
    this.ctx = ctx;
    this.root = root;
    this.mine = false;  // whether the change that is being told of is our own
  }

  async load() {
    const {rpc} = this.ctx;
    const [settings, status, history] = await Promise.all([rpc('tokenDiscovery.settings'), rpc('tokenDiscovery.status'), rpc('tokenDiscovery.getHistory', {limit: 1})]);
    this.byPath = new Map(settings.settings.map((one) => [one.path, one]));
    this.settings = settings;
    this.status = status;
    this.historyPath = history.path;
  }

  async begin() {
    fill(this.root, loadingState(10, 'Loading the settings'));
    try {
      await this.load();
      this.draw();
    } catch (error) {
      if (error.name === 'AbortError' || error.kind === 'signed-out') return;
      fill(this.root, h('div', {class: 'card'}, errorState(error, () => this.begin())));
    }
  }

  value(path, fallback) {
    const found = this.byPath.get(path);
    return found && found.value !== null && found.value !== undefined ? found.value : fallback;
  }

  /** Changes settings; `place` shows what came of it. Rejects when the server refuses, so that a control goes back. */
  async change(patch, place) {
    setText(place, 'Saving');
    place.className = 'answer';
    this.mine = true;
    try {
      const {changed, settings, file} = await this.ctx.lastingRpc('tokenDiscovery.configure', {patch});
      for (const one of settings) this.byPath.set(one.path, {...this.byPath.get(one.path), ...one});
      const later = settings.some((one) => one.restart);
      const words = changed.length === 0 ? 'It was so already.' : `Saved in ${file}, in force ${later ? 'after a restart' : 'now'}.`;
      setText(place, words);
      place.classList.add('good');
      announce(words);
    } catch (error) {
      setText(place, [error.message, error.hint].filter(Boolean).join(' '));
      place.classList.add('bad');
      throw error;
    } finally {
      this.mine = false;
    }
  }

  draw() {
    const {problems} = this.settings;
    fill(this.root, h('div', {class: 'settings-grid'},
        problems.length > 0 && h('div', {class: 'note bad wide', role: 'alert'}, h('h2', {}, 'The configuration has mistakes'),
            h('ul', {}, problems.map((one) => h('li', {class: 'break'}, [one.setting, one.text, one.hint].filter(Boolean).join(': '), one.place && h('code', {class: 'muted'}, ` ${one.place}`))))),
        h('div', {class: 'settings-column'}, this.discoveryCard(), this.doctorCard(), this.policyCard()),
        h('div', {class: 'settings-column'}, this.storedCard(), this.sourcesCard()),
        this.everythingCard()));
  }

  card(title, sentence, ...children) {
    const id = freshId('part');
    return h('section', {class: 'card', 'aria-labelledby': id}, h('div', {class: 'card-head'}, h('div', {}, h('h2', {id}, title), sentence && h('p', {class: 'muted'}, sentence))), children);
  }

  discoveryCard() {
    const rows = SWITCHES.map(([path, title, sentence]) => {
      const answer = h('p', {class: 'answer', role: 'status'});
      const id = freshId('meaning');
      return h('div', {class: 'setting'},
          h('div', {class: 'grow'}, h('h3', {}, title), h('p', {class: 'muted', id}, sentence), answer),
          toggle({label: title, hideLabel: true, describedBy: id, checked: this.value(path, true), run: (value) => this.change({[path]: value}, answer)}));
    });
    const strategy = this.value('rotationStrategy', this.status.strategy);
    return this.card('Discovery', '', rows, h('div', {class: 'setting'},
        h('div', {class: 'grow'}, h('h3', {}, 'Rotation'), h('p', {class: 'muted'}, 'How the next credential is chosen: ', h('strong', {}, strategy), '.')),
        h('a', {class: 'button plain', href: this.ctx.link('rotation')}, 'Change', icon('right'))));
  }

  sourcesCard() {
    const clis = this.status.clis.filter((cli) => !NOT_SOURCES.has(cli.cli)).map((cli) => ({...cli, priority: this.value(`cliSources.${cli.cli}.priority`, DEFAULT_PRIORITY)}));
    clis.sort((a, b) => a.priority - b.priority);
    const rows = clis.map((cli) => this.sourceRow(cli));
    return this.card('Sources', 'Which CLIs are read, and who is used first where the strategy goes by priority: lower is earlier.', h('p', {class: 'sources-head muted small', 'aria-hidden': 'true'}, h('span', {}, 'Read'), h('span', {}, 'Priority')), h('ul', {class: 'sources'}, rows));
  }

  sourceRow(cli) {
    const answer = h('p', {class: 'answer', role: 'status'});
    const name = cliName(cli.cli);
    const files = cli.login.files;
    const count = this.status.credentials.filter((one) => one.cli === cli.cli).length;
    const priority = field({label: `Priority of ${name}`, hideLabel: true, type: 'number', min: 0, max: 1000000, step: 1, value: String(cli.priority), class: 'priority'});
    priority.input.addEventListener('change', async () => {
      const value = Number(priority.input.value);
      if (!Number.isInteger(value) || value < 0 || value > 1000000 || priority.input.value === '') {
        setText(answer, 'A whole number, 0 to 1000000.');
        answer.className = 'answer bad';
        return;
      }
      try {
        await this.change({[`cliSources.${cli.cli}.priority`]: value}, answer);
        cli.priority = value;
      } catch {
        priority.input.value = String(cli.priority);
      }
    });
    const where = [...files.map((path) => h('code', {class: 'path'}, path)), ...cli.environment.map((variable) => h('code', {class: 'path'}, `$${variable}`))];
    return h('li', {class: 'source'},
        toggle({label: `Read ${name}`, hideLabel: true, checked: this.value(`cliSources.${cli.cli}.enabled`, true), run: (value) => this.change({[`cliSources.${cli.cli}.enabled`]: value}, answer)}),
        h('div', {class: 'grow'},
            h('div', {class: 'row'}, h('h3', {}, name), h('span', {class: 'muted small'}, cli.cli), count > 0 && badge(`${count} found`, 'good')),
            where.length > 0 ? h('details', {}, h('summary', {class: 'muted small'}, `${where.length === 1 ? 'Read from one place' : `Read from ${where.length} places`}`), where)
              : h('p', {class: 'muted small'}, 'No login found', cli.program ? `; program at ${cli.program}` : ''),
            answer),
        priority);
  }

  policyCard() {
    const providers = new Map();
    for (const {provider, policy} of this.status.credentials) if (!providers.has(provider)) providers.set(provider, policy);
    const rows = [...providers].sort(([a], [b]) => a.localeCompare(b)).map(([provider, policy]) => {
      const answer = h('p', {class: 'answer', role: 'status'});
      const use = h('span', {});
      const show = (word) => fill(use, badge(...[...(USES[word] ?? ['plain', word])].reverse()));
      show(policy.use);
      let kept = policy.configured ? policy.use : '';
      const select = choice({label: `Policy of ${provider}`, hideLabel: true, value: kept, options: POLICIES, run: async (value) => {
        if (value === 'forbid') {
          const sure = await this.ctx.confirm({title: `Forbid ${provider}?`, action: 'Forbid', text: `No credential of ${provider} is lent from now on.`});
          if (!sure) {
            select.input.value = kept;
            return;
          }
        }
        try {
          await this.change({[`policy.${provider}`]: value || null}, answer);
          kept = value;
          const {credentials} = await this.ctx.rpc('tokenDiscovery.status');
          show(credentials.find((one) => one.provider === provider)?.policy.use ?? value);
        } catch {
          select.input.value = kept;
        }
      }});
      return h('li', {class: 'setting'}, h('div', {class: 'grow'},
          h('div', {class: 'row'}, h('h3', {}, provider), use),
          policy.why && h('p', {class: 'muted small'}, policy.why, ' ', policy.terms && /^https:\/\//.test(policy.terms) && h('a', {href: policy.terms, target: '_blank', rel: 'noreferrer noopener', 'aria-label': `Terms of ${provider}`}, 'Terms')),
          answer), select);
    });
    return this.card('Policy per provider', 'Whether its credentials serve requests through the proxy.',
        rows.length > 0 ? h('ul', {}, rows) : h('p', {class: 'muted padded'}, 'No credential was found yet.'));
  }

  storedCard() {
    const {files, file} = this.settings;
    const row = (title, sentence, paths) => h('div', {class: 'setting'}, h('div', {class: 'grow'}, h('h3', {}, title), h('p', {class: 'muted'}, sentence), paths));
    const state = this.value('stateDirectory', null);
    return this.card('What is stored where', '',
        row('Configuration', 'Read in this order; later ones win. What is changed here goes into the file marked so, its comments are kept.', h('ul', {class: 'stack tight'}, files.map((one) => h('li', {class: 'row'}, h('code', {class: 'break'}, one.path), one.path === file && badge('changed here', 'accent'), !one.exists && h('span', {class: 'muted small'}, 'not there'))))),
        row('History', 'What was found and used when. Hashes only, never a token.', h('code', {class: 'break'}, this.historyPath)),
        row('State', 'Cooldowns, counters, and sealed logins of our own. Readable by you only.', h('code', {class: 'break'}, state ?? 'the default: ~/.local/state/credpool')),
        row('Logins of the CLIs', 'Stay where each CLI keeps them.', null));
  }

  doctorCard() {
    const place = h('div', {}, loadingState(2, 'Looking for problems'));
    const look = async () => {
      try {
        const {findings} = await this.ctx.rpc('tokenDiscovery.doctor');
        fill(place, findings.length === 0 ? h('p', {class: 'setting'}, statusDot('good', 'Nothing is wrong.')) : h('ul', {}, findings.map(finding)));
        announce(findings.length === 0 ? 'Nothing is wrong' : `${findings.length} findings`);
      } catch (error) {
        if (error.name !== 'AbortError') fill(place, errorState(error, look));
      }
    };
    look();
    const card = this.card('Doctor', 'What is wrong on this machine, and how to mend it.', place);
    card.querySelector('.card-head').append(button('Check again', {run: look}));
    return card;
  }

  everythingCard() {
    const rows = [...this.byPath.values()].sort((a, b) => a.path.localeCompare(b.path));
    const body = h('tbody', {});
    const search = field({label: 'Find a setting', hideLabel: true, type: 'search', placeholder: 'Find a setting', class: 'find-setting'});
    const draw = () => {
      const words = search.input.value.toLowerCase();
      fill(body, rows.filter((one) => `${one.path} ${one.meaning ?? ''}`.toLowerCase().includes(words)).map((one) => h('tr', {},
          h('td', {}, h('code', {}, one.path), one.meaning && h('p', {class: 'muted small'}, one.meaning)),
          h('td', {}, h('code', {}, shownValue(one.value))),
          h('td', {class: 'muted small'}, one.origin === 'default' ? 'default' : h('code', {}, one.origin)))));
    };
    search.input.addEventListener('input', draw);
    draw();
    return h('details', {class: 'card wide everything'}, h('summary', {}, h('h2', {}, `All settings (${rows.length})`)),
        h('div', {class: 'padded'}, search),
        h('div', {class: 'table-scroll', tabindex: 0, role: 'region', 'aria-label': 'All settings'}, h('table', {class: 'table'},
            h('thead', {}, h('tr', {}, ['Setting', 'Value', 'Set by'].map((text) => h('th', {scope: 'col'}, text)))), body)));
  }
}

const SEVERITIES = {error: ['bad', 'Error'], warning: ['warn', 'Warning'], note: ['wait', 'Note']};

function finding({severity, what, where, repair}) {
  const [kind, words] = SEVERITIES[severity] ?? ['off', inWords(severity)];
  const command = /^(chmod|credpool|rm|mv|ln|systemctl|export) /.test(repair);
  return h('li', {class: 'setting'}, h('div', {class: 'grow stack tight'},
      h('div', {class: 'row'}, statusDot(kind, words)), h('p', {class: 'break'}, what), where && h('code', {class: 'muted break'}, where),
      repair && (command ? h('div', {class: 'command'}, h('code', {}, repair), copyButton(() => repair)) : h('p', {class: 'muted break'}, repair))));
}

export const page = {
  title: 'Settings',
  styles: ['pages/settings.css'],
  async mount(root, ctx) {
    const view = new Settings(root, ctx);
    ctx.on('settings.refused', ({message}) => ctx.toast('The configuration file was not taken.', {kind: 'bad', hint: message}));
    ctx.on('settings.changed', () => { if (!view.mine && !root.contains(document.activeElement)) view.begin(); });
    ctx.on('resync', () => { if (!root.contains(document.activeElement)) view.begin(); });
    await view.begin();
  },
};
