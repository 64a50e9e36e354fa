// SPDX-License-Identifier: MIT
// Logging in again: choose how, follow it to its end. The server runs it; closing the dialog or the page does not end it.
import {announce, fill, h} from '../lib/dom.js';
import {cliName} from '../lib/credential.js';
import {button} from '../components/button.js';
import {openDialog} from '../components/dialog.js';
import {icon} from '../components/icons.js';
import {errorState, loadingState} from '../components/states.js';
import {badge} from '../components/status.js';
import {toast} from '../components/toast.js';
import {plainError} from '../lib/rpc.js';
import {flowView, isOver, isLoopback} from './refresh_flow.js';

const REMEMBERED = 'credpool.flow';  // of this tab: which dialog to open again after a reload

function remember(id) {
  try {
    if (id) sessionStorage.setItem(REMEMBERED, id);
    else sessionStorage.removeItem(REMEMBERED);
  } catch {
    // Storage is switched off: the running login is still in the bar above.
  }
}

class RefreshDialog {
  constructor(ctx, subject) {
    this.ctx = ctx;
    this.subject = subject;  // {cli, credential?, tokenHash?, profileId?}
    this.rpc = ctx.lastingRpc;
    this.flow = null;
    this.view = null;
    this.title = subject.profileId ? `Refresh ${subject.profileId}` : `Log in to ${cliName(subject.cli)}`;
    this.stopListening = [
      ctx.events.on('flow', (event) => this.heard(event)),
      ctx.events.on('resync', () => this.ask()),
    ];
    this.dialog = openDialog({title: this.title, class: 'refresh', onclose: () => this.closed()});
  }

  closed() {
    for (const stop of this.stopListening) stop();
    clearTimeout(this.asking);
    remember(null);
    if (this.flow && !isOver(this.flow)) toast('The login goes on.', {kind: 'note', hint: 'Open it again from the bar at the top.'});
  }

  set(body, foot = []) {
    this.view = null;
    const had = this.dialog.element.contains(document.activeElement);
    fill(this.dialog.body, body);
    fill(this.dialog.foot, foot);
    if (had && !this.dialog.element.contains(document.activeElement)) this.focusFirst();
  }

  focusFirst() {
    (this.dialog.body.querySelector('input, a.button, button:not([aria-disabled]), [tabindex="-1"]') ?? this.dialog.foot.querySelector('button') ?? this.dialog.element.querySelector('.cross'))?.focus();
  }

  /** The first step; a login that runs already for the same credential is followed instead. */
  async begin() {
    this.set(loadingState(4, 'Loading the ways to log in'));
    try {
      const [{methods}, {flows}] = await Promise.all([
        this.rpc('tokenDiscovery.refreshMethods', {cli: this.subject.cli, ...(this.subject.credential && {credential: this.subject.credential})}),
        this.rpc('tokenDiscovery.flows'),
      ]);
      this.methods = methods;
      const running = flows.find((flow) => !isOver(flow) && flow.cli === this.subject.cli && (flow.credential || '') === (this.subject.credential ?? ''));
      if (running) this.follow(running);
      else this.choose();
    } catch (error) {
      this.set(errorState(error, () => this.begin()));
    }
  }

  choose() {
    this.flow = null;
    remember(null);
    const sorted = [...this.methods].sort((a, b) => Number(b.recommended) - Number(a.recommended) || Number(b.available) - Number(a.available));
    const list = sorted.map((method) => {
      const why = method.available ? '' : method.why;
      return h('li', {}, h('button', {type: 'button', class: ['method', method.recommended && method.available && 'recommended'], dataset: {method: method.name},
        'aria-disabled': method.available ? null : 'true',
        onclick: () => { if (method.available) this.start(method); }},
      h('span', {class: 'method-text'},
          h('span', {class: 'row'}, h('strong', {}, method.title), method.recommended && method.available && badge('recommended', 'accent')),
          h('span', {class: 'muted'}, method.sentence),
          method.command && method.available && h('code', {}, method.command),
          why && h('span', {class: 'method-why'}, why)), icon('right')));
    });
    this.set([h('p', {class: 'muted'}, this.subject.profileId ? 'How do you want to get a new login for it?' : 'How do you want to log in?'), h('ul', {class: 'methods'}, list)]);
    if (sorted.every((method) => !method.available)) this.dialog.body.append(h('p', {class: 'note warn'}, `credpool knows no way to log in to ${cliName(this.subject.cli)} for you: use the CLI itself, then scan.`));
    this.focusFirst();
  }

  async start(method) {
    this.method = method;
    const {cli, credential, tokenHash} = this.subject;
    const params = {cli, method: method.name, ...(credential && {credential}), ...(tokenHash && {tokenHash})};
    if (method.name === 'oauth-browser') params.return = isLoopback(location.hostname) ? 'loopback' : 'paste';
    if (method.name === 'oauth-refresh') params.force = true;
    this.set([h('div', {class: 'flow-state', role: 'status'}, h('span', {class: 'spinner', 'aria-hidden': 'true'}), method.name === 'oauth-refresh' ? 'Getting a new access token' : 'Starting')]);
    try {
      const answer = await this.rpc('tokenDiscovery.refreshToken', params);
      if (answer.flow) this.follow(answer.flow);
      else this.refreshed(answer);
    } catch (error) {
      this.failed({code: error.code, message: error.message, hint: error.hint});
    }
  }

  follow(flow) {
    this.flow = flow;
    this.method ??= this.methods?.find((one) => one.name === flow.method);
    if (isOver(flow)) {
      this.over();
      return;
    }
    remember(flow.id);
    this.set([], [
      h('span', {class: 'grow muted small'}, 'It goes on when you close this.'),
      button('Cancel login', {run: () => this.cancel()}),
    ]);
    this.dialog.heading.focus();
    this.view = flowView(flow, {send: (text) => this.send(text), title: this.method?.title});
    fill(this.dialog.body, this.view.element);
    this.view.update(flow);
    this.ask();  // it may have gone on before its name was known here
  }

  heard(event) {
    if (!this.flow || event.id !== this.flow.id) return;
    const {line, ...rest} = event;
    const {lines = []} = this.flow;
    if (event.method === 'cli-command' && !isOver(event)) {
      // Of a command's output an event has the newest line only.
      this.asking ??= setTimeout(() => {
        this.asking = null;
        this.ask();
      }, 200);
    } else if (line && lines[lines.length - 1] !== line) {
      lines.push(line);
    }
    this.take({...rest, lines});
  }

  take(flow) {
    if (isOver(this.flow) || flow.revision < this.flow.revision) return;  // overtaken by what is newer
    this.flow = flow;
    if (isOver(flow)) this.over();
    else this.view?.update(flow);
  }

  /** The whole state, after a time without events. */
  async ask() {
    if (!this.flow || isOver(this.flow)) return;
    try {
      this.take(await this.rpc('tokenDiscovery.flow', {id: this.flow.id}));
    } catch (error) {
      if (error.kind === 'rpc') this.failed({code: error.code, message: 'The server does not know this login any more.', hint: 'It was probably restarted: start again.'});
    }
  }

  async send(text) {
    const flow = await this.rpc('tokenDiscovery.flowInput', {id: this.flow.id, text});
    this.take({...flow, lines: flow.lines?.length ? flow.lines : this.flow.lines});
  }

  async cancel() {
    try {
      await this.rpc('tokenDiscovery.cancelFlow', {id: this.flow.id});
    } catch (error) {
      if (error.kind !== 'rpc') throw error;  // it ended meanwhile: all the same
    }
    if (this.methods) this.choose();
    else await this.begin();
    announce('Login cancelled');
  }

  over() {
    const {state, result, error} = this.flow;
    remember(null);
    if (state === 'done') this.succeeded(result);
    else if (state === 'cancelled') this.methods ? this.choose() : this.begin();
    else this.failed(error ?? {message: 'The login failed.', hint: ''});
  }

  refreshed(answer) {
    const row = Array.isArray(answer.refreshed) ? answer.refreshed[0] : answer;
    const failure = row?.error ?? answer.error;
    if (failure) this.failed(failure);
    else this.succeeded({profileId: row?.profileId ?? this.subject.profileId, expiresAt: row?.expiresAt ?? null});
  }

  succeeded(result) {
    this.set(h('div', {class: 'state flow-end good', tabindex: -1}, h('span', {class: 'round good'}, icon('check')),
        h('h3', {}, 'Logged in'),
        h('p', {}, h('strong', {class: 'break'}, result?.profileId ?? ''), ' is checked, imported and ready.'), result?.warning && h('p', {class: 'note warn'}, result.warning)),
    [button('Done', {kind: 'primary', run: () => this.dialog.close()})]);
    this.dialog.foot.querySelector('button').focus();
    announce('Logged in');
  }

  failed(told) {
    const error = plainError(told);
    remember(null);
    this.set(h('div', {class: 'state flow-end bad', role: 'alert'}, h('span', {class: 'round bad'}, icon('warning')),
        h('h3', {}, 'That did not work'), h('p', {class: 'break'}, error.message), error.hint && h('p', {class: 'muted break'}, error.hint)),
    [button('Other ways', {run: () => (this.methods ? this.choose() : this.begin())}),
      this.method && button('Try again', {kind: 'primary', icon: 'refresh', run: () => this.start(this.method)})]);
    (this.dialog.foot.querySelector('.primary') ?? this.dialog.foot.querySelector('button')).focus();
  }
}

/** Opens the dialog for a credential, or for a new login of a CLI. */
export function openRefresh(ctx, subject) {
  const dialog = new RefreshDialog(ctx, subject);
  dialog.begin();
  return dialog.dialog.closed;
}

/** Opens it for a login that runs already. */
function openFlow(ctx, flow) {
  const dialog = new RefreshDialog(ctx, {cli: flow.cli, credential: flow.credential || undefined});
  dialog.follow(flow);
}

/** Shows in `place` that logins run, and opens the one that this tab had open when it was loaded again. */
export function watchFlows(place, ctx) {
  const running = new Map();
  const draw = () => {
    const list = [...running.values()];
    const chip = list.length > 0 && button('Login', {icon: 'refresh', class: 'compact flow-chip', 'aria-label': `Login running: ${list.map((one) => cliName(one.cli)).join(', ')}`,
      run: async () => openFlow(ctx, await ctx.lastingRpc('tokenDiscovery.flow', {id: list[0].id}))});
    if (chip) chip.append(h('span', {class: 'cli'}, list.length === 1 ? cliName(list[0].cli) : `and ${list.length - 1} more`));
    fill(place, chip);
  };
  const load = async () => {
    try {
      const {flows} = await ctx.lastingRpc('tokenDiscovery.flows');
      running.clear();
      for (const flow of flows) if (!isOver(flow)) running.set(flow.id, flow);
      draw();
    } catch {
      // Shown by whatever the page asks for; the next resync tries again.
    }
  };
  const stop = [
    ctx.events.on('flow', (flow) => {
      if (isOver(flow)) running.delete(flow.id);
      else running.set(flow.id, flow);
      draw();
    }),
    ctx.events.on('resync', load),
  ];
  load().then(() => {
    let id = null;
    try {
      id = sessionStorage.getItem(REMEMBERED);
    } catch {
      return;
    }
    if (id && running.has(id) && !document.querySelector('dialog[open]')) openFlow(ctx, running.get(id));
  });
  return () => stop.forEach((end) => end());
}
