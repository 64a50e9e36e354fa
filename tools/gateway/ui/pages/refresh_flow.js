// SPDX-License-Identifier: MIT
// What a running login shows: drawn from what the flow carries, so that it is right for every method.
import {fill, h, setText} from '../lib/dom.js';
import {liveTime, setLiveTime} from '../lib/clock.js';
import {button, copyButton} from '../components/button.js';
import {field} from '../components/field.js';
import {icon} from '../components/icons.js';
import {qrCode} from '../components/qr.js';

export const isOver = (flow) => ['done', 'failed', 'cancelled'].includes(flow.state);
export const isLoopback = (host) => host === 'localhost' || host === '[::1]' || /^127\./.test(host);

/** Only web pages become links: what a provider sent is not trusted to be one. */
function safeUrl(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)) ? url.href : null;
  } catch {
    return null;
  }
}

const openLink = (url, text, primary = true) => h('a', {class: ['button', primary ? 'primary' : 'plain'], href: url, target: '_blank', rel: 'noreferrer noopener'}, icon('open'), h('span', {}, text));

const STATES = {starting: 'Starting', person: 'Waiting for you', input: 'Waiting for you', working: 'Working'};

/** A line of a CLI with its addresses as links. */
function withLinks(line) {
  return line.split(/(https?:\/\/[^\s"'<>)\]]+)/).map((part, at) => {
    const url = at % 2 === 1 ? safeUrl(part) : null;
    return url ? h('a', {href: url, target: '_blank', rel: 'noreferrer noopener'}, part) : part;
  });
}

const step = (number, title, ...children) => h('div', {class: 'step'}, h('span', {class: 'step-number', 'aria-hidden': 'true'}, number), h('div', {class: 'stack tight grow'}, h('h3', {}, title), children));

function device(flow) {
  const url = safeUrl(flow.url);
  const code = h('div', {class: 'user-code', 'aria-label': `Code ${[...flow.userCode].join(' ')}`, role: 'img'}, flow.userCode);
  const picture = h('div', {class: 'qr-place'});
  if (url) qrCode(url, 'QR code of the login page').then((drawn) => fill(picture, drawn), () => picture.remove());
  return h('div', {class: 'device'},
      h('div', {class: 'stack'},
          step(1, 'Open the login page', h('p', {class: 'muted'}, 'On this or any other device.'), url ? openLink(url, 'Open the page') : h('code', {class: 'break'}, flow.url)),
          step(2, 'Compare or enter this code', code, h('div', {}, copyButton(() => flow.userCode, 'Copy code'))),
          step(3, 'Confirm there', h('p', {class: 'muted'}, 'This dialog goes on by itself.'))),
      url && h('figure', {class: 'qr'}, picture, h('figcaption', {class: 'muted small'}, 'Scan with a phone')));
}

function question(flow, send) {
  const key = flow.method === 'api-key-web' || flow.method === 'manual';
  const program = flow.method === 'cli-command';
  const secret = key || (program && /key|token|password|secret/i.test(flow.question));
  const hint = key ? 'It is checked with the provider before it is kept, and never shown again.'
    : program ? 'Goes to the command as if it was typed there.'
      : 'Looks like http://127.0.0.1:.../callback?code=...; the page itself may say that it cannot be reached. The bare code does, too.';
  const input = field({label: flow.question, type: secret ? 'password' : 'text', name: 'answer', hint});
  const submit = button(key ? 'Check and keep' : program ? 'Send' : 'Continue', {kind: 'primary', type: 'submit'});
  if (flow.problem) input.fail(flow.problem);
  return h('form', {class: 'stack tight', onsubmit: async (event) => {
    event.preventDefault();
    const text = input.input.value.trim();
    if (!text && !program) {
      input.fail(key ? 'Paste the key or token first.' : 'Paste the address or the code first.');
      return;
    }
    if (/\s/.test(text) && !program) {
      input.fail('There is a space or a line break in it: paste only the one text.');
      return;
    }
    submit.disabled = true;
    try {
      await send(text);
      input.input.value = '';
    } catch (error) {
      input.fail([error.message, error.hint].filter(Boolean).join(' '));
    } finally {
      submit.disabled = false;
    }
  }}, input, h('div', {}, submit));
}

function browser(flow, send) {
  const url = safeUrl(flow.url);
  return [
    step(1, 'Log in at the provider', h('p', {class: 'muted'}, 'In the page that opens.'), url ? openLink(url, 'Open the login page') : h('code', {class: 'break'}, flow.url)),
    flow.state === 'input' ? step(2, 'Bring the answer back', question(flow, send))
      : flow.question && h('details', {class: 'otherwise', open: Boolean(flow.problem)}, h('summary', {}, 'The page after the login does not load?'),
          h('p', {class: 'muted'}, 'Then the browser is not on the machine of the server. Copy the address from its address bar:'), question(flow, send)),
  ];
}

function platform(flow, send) {
  const url = safeUrl(flow.url);
  return [step(1, 'Make a key on the platform', url && openLink(url, 'Open the page'), url && h('p', {class: 'muted small break'}, url)), step(2, 'Paste it here', question(flow, send))];
}

function program(flow, log, send) {
  const url = safeUrl(flow.url);
  const byHand = flow.state === 'person' && !flow.question;
  return [h('p', {class: 'muted'}, byHand ? 'This login draws on a whole terminal: run it in one, on the machine of the server. This dialog sees when it is done.'
    : 'Runs on the machine of the server. Follow what it says:'),
  h('div', {class: 'command'}, h('code', {}, flow.command), copyButton(() => flow.command)),
  !byHand && log,
  (url || flow.userCode) && h('div', {class: 'row'}, url && openLink(url, 'Open the page it names'), flow.userCode && h('span', {class: 'user-code small-code'}, flow.userCode)),
  flow.question && question(flow, send)];
}

/** {element, update(flow)}, empty until the first update(), which is due once it is in the document; send(text) gives the answer to the flow's question. */
export function flowView(flow, {send, title}) {
  const words = h('span', {});
  const left = liveTime(null, {form: 'left', over: 'no time'});
  const leftPart = h('span', {class: 'muted'}, 'Expires in ', left);
  const bar = h('div', {class: 'flow-state', role: 'status'}, h('span', {class: 'spinner', 'aria-hidden': 'true'}), words);
  const main = h('div', {class: 'stack'});
  const log = h('pre', {class: 'flow-log', role: 'log', 'aria-label': 'Output', tabindex: 0});
  const failure = h('p', {class: 'note bad', role: 'alert', hidden: true});
  const element = h('div', {class: 'stack'}, title && h('p', {class: 'muted'}, title), main, failure, h('div', {class: 'row between'}, bar, leftPart));
  let shape = '';
  let written = 0;
  let following = true;  // until somebody scrolls up
  log.addEventListener('scroll', () => { following = log.scrollHeight - log.scrollTop - log.clientHeight < 24; });

  const body = (now) => {
    if (now.method === 'cli-command') return program(now, log, send);
    if (now.userCode) return device(now);
    if (now.method === 'oauth-browser' && now.url) return browser(now, send);
    if (now.url && now.question) return platform(now, send);
    if (now.question) return question(now, send);
    return [];
  };

  const view = {
    element,
    update(now) {
      const next = JSON.stringify([now.method, now.url, now.userCode, now.question, now.problem, now.command, now.state === 'input', now.state === 'person']);
      if (next !== shape) {
        shape = next;
        const typed = main.querySelector('input')?.value;
        const focused = main.contains(document.activeElement);
        const unfolded = main.querySelector('details')?.open;
        fill(main, body(now));
        if (unfolded) main.querySelector('details')?.setAttribute('open', '');
        const input = main.querySelector('input');
        if (input && typed && !now.problem) input.value = typed;
        // Whoever has gone elsewhere in the dialog is left there.
        const waits = ['BODY', 'H2'].includes(document.activeElement.tagName);
        if (focused || waits) (now.state === 'person' && !focused ? main.querySelector('a, button') : input ?? main.querySelector('a, button'))?.focus();
      }
      const lines = now.lines ?? [];
      if (lines.length < written) {
        written = 0;
        fill(log);
      }
      for (; written < lines.length; written += 1) log.append(...[withLinks(lines[written])].flat(), '\n');
      if (following) log.scrollTop = log.scrollHeight;
      const newest = now.method === 'cli-command' || lines[lines.length - 1] === now.problem ? '' : lines[lines.length - 1];
      setText(words, newest || STATES[now.state] || now.state);
      setLiveTime(left, now.expiresAt);
      leftPart.hidden = !now.expiresAt;
      failure.hidden = !now.error;
      setText(failure, now.error ? [now.error.message, now.error.hint].filter(Boolean).join(' ') : '');
    },
  };
  return view;
}
