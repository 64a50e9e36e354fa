// SPDX-License-Identifier: MIT
// The shell: signing in, the frame around the pages, the way between them, the connection to the server.
import {announce, fill, h, setAttribute, setText} from './lib/dom.js';
import {everySecond} from './lib/clock.js';
import {Session} from './lib/session.js';
import {createRpc} from './lib/rpc.js';
import {Events} from './lib/events.js';
import {button, copyButton, iconButton} from './components/button.js';
import {confirm, openDialog} from './components/dialog.js';
import {icon} from './components/icons.js';
import {menuButton} from './components/menu.js';
import {errorState, loadingState} from './components/states.js';
import {statusDot} from './components/status.js';
import {toast, toastError} from './components/toast.js';

const PAGES = [
  {id: 'discovery', title: 'Token Discovery', short: 'Tokens', load: () => import('./pages/discovery.js')},
  {id: 'rotation', title: 'Rotation', short: 'Rotation', load: () => import('./pages/rotation.js')},
  {id: 'history', title: 'History', short: 'History', load: () => import('./pages/history.js')},
  {id: 'usage', title: 'Usage and budgets', short: 'Usage', load: () => import('./pages/usage.js')},
  {id: 'settings', title: 'Settings', short: 'Settings', load: () => import('./pages/settings.js')},
];

const root = document.getElementById('app');
const session = new Session();
const rpc = createRpc(session);
const events = new Events(session);
let frame = null;
let leave = () => {};  // ends the page that is shown
let shown = 0;         // counts the pages shown, so that a late one does not overwrite a newer one

// ---- where we are -------------------------------------------------------------------------------------------------

function place() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return {page: PAGES.find((one) => one.id === path) ?? PAGES[0], query: new URLSearchParams(query)};
}

/** Where a page is: link('discovery', {credential: id}). */
function link(page, query = {}) {
  const text = new URLSearchParams(query).toString();
  return `#/${page}${text ? `?${text}` : ''}`;
}

function contextFor(page, query, actions, ending) {
  const ends = (end) => {
    ending.signal.addEventListener('abort', end, {once: true});
    return end;
  };
  return {
    events, session, toast, toastError, confirm, dialog: openDialog, announce, link, query, actions,
    signal: ending.signal,
    /** A call that is dropped when the page is left. */
    rpc: (method, params, options = {}) => rpc(method, params, {signal: ending.signal, ...options}),
    /** A call that outlives the page. */
    lastingRpc: rpc,
    on: (type, handler) => ends(events.on(type, handler)),
    everySecond: (run) => ends(everySecond(run)),
    onLeave: ends,
    go: (id, more) => { location.hash = link(id, more); },
    setQuery: (more) => history.replaceState(null, '', link(page.id, more)),
  };
}

async function show({focus}) {
  leave();
  const turn = ++shown;
  const address = location.hash;
  const {page, query} = place();
  const ending = new AbortController();
  leave = () => ending.abort();
  document.title = `${page.title} - credpool`;
  for (const one of frame.links) setAttribute(one, 'aria-current', one.dataset.page === page.id ? 'page' : null);
  const heading = h('h1', {tabindex: -1}, page.title);
  const actions = h('div', {class: 'page-actions'});
  const body = h('div', {class: ['page', page.id]}, loadingState());
  fill(frame.main, h('div', {class: 'page-head'}, heading, actions), body);
  scrollTo(0, 0);
  if (focus) heading.focus();
  try {
    const module = (await page.load()).page;
    await Promise.all((module.styles ?? []).map(style));
    if (turn !== shown) return;
    fill(body);
    const end = await module.mount(body, contextFor(page, query, actions, ending));
    if (typeof end === 'function') {
      if (ending.signal.aborted) end();
      else ending.signal.addEventListener('abort', end, {once: true});
    }
    if (turn === shown) performance.mark('page-ready', {detail: address});
  } catch (error) {
    if (turn !== shown || error.name === 'AbortError' || error.kind === 'signed-out') return;
    fill(actions);
    fill(body, errorState(error, () => show({focus: true})));
  }
}

const styles = new Map([...document.querySelectorAll('link[rel=stylesheet]')].map((sheet) => [sheet.getAttribute('href'), Promise.resolve()]));

function style(path) {
  if (!styles.has(path)) {
    styles.set(path, new Promise((resolve) => {
      const sheet = h('link', {rel: 'stylesheet', href: path, onload: resolve, onerror: resolve});
      document.head.append(sheet);
    }));
  }
  return styles.get(path);
}

// ---- the frame ----------------------------------------------------------------------------------------------------

const THEMES = [['system', 'As the system'], ['light', 'Light'], ['dark', 'Dark']];

function setTheme(theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === 'system') localStorage.removeItem('credpool.theme');
    else localStorage.setItem('credpool.theme', theme);
  } catch {
    // Storage is switched off: the choice lasts until the page is left.
  }
}

function themeMenu() {
  return menuButton('Theme', () => {
    const now = document.documentElement.dataset.theme ?? 'system';
    return THEMES.map(([theme, text]) => ({text: theme === now ? `${text} (now)` : text, run: () => setTheme(theme)}));
  }, {icon: 'light'});
}

async function signOut() {
  const sure = await confirm({title: 'Sign out?', text: 'To come back you need a new link from the command line: credpool ui', action: 'Sign out', danger: false});
  if (sure) await session.signOut();
}

function buildFrame() {
  const links = PAGES.map((page) => h('a', {class: 'nav-link', href: link(page.id), dataset: {page: page.id}},
      icon(page.id), h('span', {class: 'nav-long'}, page.title), h('span', {class: 'nav-short'}, page.short)));
  const state = h('span', {class: 'connection', role: 'status'});
  const banner = h('div', {class: 'banner', hidden: true, role: 'alert'});
  const main = h('main', {id: 'main', tabindex: -1});
  const flows = h('div', {class: 'flows'});
  const shell = h('div', {class: 'shell'},
      h('header', {class: 'top'},
          h('a', {class: 'brand', href: link('discovery')}, h('img', {src: 'icon.svg', alt: '', width: 24, height: 24}), 'credpool'),
          h('div', {class: 'top-right'}, flows, state, themeMenu(), iconButton('signOut', 'Sign out', {run: signOut}))),
      h('nav', {class: 'nav', 'aria-label': 'Pages'}, links),
      h('div', {class: 'content'}, banner, main));
  return {shell, links, state, banner, main, flows};
}

function showConnection() {
  const words = {connecting: ['wait', 'Connecting'], live: ['good', 'Live'], waiting: ['bad', 'Disconnected']}[events.state];
  fill(frame.state, statusDot(...words));
  const gone = events.state === 'waiting';
  frame.shell.classList.toggle('disconnected', gone);
  if (gone && frame.banner.hidden) {
    frame.wait = h('span', {});
    fill(frame.banner, icon('warning'), h('p', {}, 'The server is gone. ', frame.wait, ' What you see is how it was last.'),
        button('Try now', {run: () => events.retryNow()}));
  }
  frame.banner.hidden = !gone;
  tellWait();
}

function tellWait() {
  if (!frame?.wait || events.state !== 'waiting') return;
  const seconds = Math.max(0, Math.ceil((events.nextTry - Date.now()) / 1000));
  setText(frame.wait, seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again now.');
}

// ---- signed out ---------------------------------------------------------------------------------------------------

function command(text) {
  return h('div', {class: 'command'}, h('code', {}, text), copyButton(() => text));
}

function showSignedOut(problem) {
  leave();
  shown += 1;
  events.stop();
  frame?.stopFlows?.();
  frame = null;
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
  document.title = 'Sign in - credpool';
  fill(root, h('main', {id: 'main', class: 'alone', tabindex: -1},
      h('img', {src: 'icon.svg', alt: '', width: 48, height: 48}),
      h('h1', {}, problem ? 'This link does not work' : 'Sign in to credpool'),
      problem && h('p', {class: 'problem', role: 'alert'}, problem.message),
      h('p', {}, 'Run this on the machine where the server runs. It opens the Control UI signed in; the link works once, for two minutes.'),
      command('credpool ui'),
      h('details', {}, h('summary', {}, 'The server is on another machine'),
          h('p', {}, 'Forward its port with SSH, make a link there, and open it here:'),
          command(`ssh -L ${location.port || 80}:127.0.0.1:${location.port || 80} HOST credpool ui --no-browser`))));
}

// ---- start --------------------------------------------------------------------------------------------------------

async function enter() {
  const problem = await session.start();
  if (!session.signedIn) {
    showSignedOut(problem);
    return;
  }
  if (!frame) {
    frame = buildFrame();
    fill(root, frame.shell);
    import('./pages/refresh_dialog.js').then(({watchFlows}) => { if (frame) frame.stopFlows = watchFlows(frame.flows, {lastingRpc: rpc, events}); });
  }
  showConnection();
  await events.begin();
  if (frame) await show({focus: false});
}

events.watch(() => { if (frame) showConnection(); });
everySecond(tellWait);
session.addEventListener('lost', () => showSignedOut(null));
addEventListener('hashchange', () => {
  // A new link opened in this tab changes the fragment only.
  if (location.hash.startsWith('#code=') || !session.signedIn) enter();
  else show({focus: true});
});
addEventListener('storage', (event) => {
  // Signed in or out in another tab.
  if (event.key === 'credpool.session' && (event.newValue === null) === session.signedIn) location.reload();
});
document.getElementById('skip').addEventListener('click', (event) => {
  event.preventDefault();
  document.getElementById('main')?.focus();
});

enter();
