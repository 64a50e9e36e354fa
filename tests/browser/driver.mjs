// SPDX-License-Identifier: MIT
// One browser for the tests of the pages: reads a JSON command a line, answers with a JSON line.
//
//   node driver.mjs --modules DIR --browser PROGRAM
//
// --modules  where tests/peers/install.sh put the packages
//
// Commands are the functions of `commands` below: {"do": "click", "what": "role=button[name=\"Scan\"]"} -> {"ok": value} or {"error": text}.
// `what` is a selector of Playwright. It ends with its standard input.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({ options: { modules: { type: 'string' }, browser: { type: 'string' } } });
const require = createRequire(path.join(options.modules, 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const PATIENCE = 30_000;
// No sandbox: the tests run as root in containers, and see nothing but our own server.
const browser = await chromium.launch({ executablePath: options.browser, args: ['--no-sandbox', '--disable-gpu'] });

let context, page, session, problems, transfers;

function watch(one) {
  one.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(`console: ${message.text()} ${message.location().url}`);
  });
  one.on('pageerror', (error) => problems.push(`page: ${error.stack}`));
}

const collect = () => {
  window.refusedByPolicy = [];
  document.addEventListener('securitypolicyviolation', (event) => window.refusedByPolicy.push(`${event.violatedDirective} ${event.blockedURI}`));
};

const at = (what) => page.locator(what).first();

const commands = {
  /** A fresh browser profile with one empty page. */
  async fresh({ width = 1280, height = 800, scheme = 'light', calm = true, grant = true }) {
    await context?.close();
    problems = [];
    transfers = [];
    context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: calm ? 'reduce' : 'no-preference' });
    if (grant) await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    context.setDefaultTimeout(PATIENCE);
    await context.addInitScript(collect);
    page = await context.newPage();
    watch(page);
    session = await context.newCDPSession(page);
    await session.send('Network.enable');
    const known = new Map();
    session.on('Network.responseReceived', ({ requestId, response }) => known.set(requestId, response.url));
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => transfers.push({ url: known.get(requestId) ?? '', bytes: encodedDataLength }));
  },
  goto: async ({ url }) => void (await page.goto(url)),
  reload: async () => void (await page.reload()),
  url: async () => page.url(),
  title: async () => page.title(),
  size: ({ width, height }) => page.setViewportSize({ width, height }),
  click: ({ what }) => at(what).click(),
  fill: ({ what, text }) => at(what).fill(text),
  choose: async ({ what, value }) => void (await at(what).selectOption(value)),
  press: ({ key }) => page.keyboard.press(key),
  type: ({ text }) => page.keyboard.type(text),
  focus: ({ what }) => at(what).focus(),
  hover: ({ what }) => at(what).hover(),
  text: ({ what }) => at(what).innerText(),
  texts: ({ what }) => page.locator(what).allInnerTexts(),
  value: ({ what }) => at(what).inputValue(),
  attribute: ({ what, name }) => at(what).getAttribute(name),
  count: ({ what }) => page.locator(what).count(),
  visible: ({ what }) => at(what).isVisible(),
  checked: ({ what }) => at(what).isChecked(),
  wait: ({ what, state = 'visible' }) => at(what).waitFor({ state }),
  /** Until an expression is true; asked from here, because the page's policy lets nothing be evaluated in it. */
  async until({ expression }) {
    const end = Date.now() + PATIENCE;
    while (!(await page.evaluate(expression))) {
      if (Date.now() > end) throw new Error(`not true in time: ${expression}`);
      await new Promise((again) => setTimeout(again, 20));
    }
  },
  evaluate: ({ expression }) => page.evaluate(expression),
  async drag({ what, to }) {
    await at(what).dragTo(at(to));
  },
  /** Clicks what opens another page; says where that one is, and closes it. */
  async popup({ what }) {
    const [other] = await Promise.all([context.waitForEvent('page'), at(what).click()]);
    await other.waitForURL(/^(?!about:blank)/, { waitUntil: 'commit' }).catch(() => {});
    const url = other.url();
    await other.close();
    return url;
  },
  async download({ what }) {
    const [file] = await Promise.all([page.waitForEvent('download'), at(what).click()]);
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
  },
  /** The element that has the focus: what a screen reader would say first. */
  focused: () => page.evaluate(() => {
    const one = document.activeElement;
    return { tag: one.tagName.toLowerCase(), role: one.getAttribute('role') ?? '', name: one.getAttribute('aria-label') ?? one.innerText ?? '', class: one.className,
      ring: getComputedStyle(one).outlineStyle !== 'none' };
  }),
  /** Requests to such an address fail as if nobody listened, until unblock(). */
  block: async ({ pattern }) => void (await context.route(pattern, (route) => route.abort('connectionrefused'))),
  unblock: async ({ pattern }) => void (await context.unroute(pattern)),
  async screenshot({ path: file, whole = false }) {
    await page.screenshot({ path: file, fullPage: whole });
  },
  /** What axe-core finds, a line each. By the debugger, because the page's policy lets no script in. */
  async axe() {
    await session.send('Runtime.evaluate', { expression: axe });
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression: "axe.run(document, {resultTypes: ['violations']}).then((found) => JSON.stringify(found.violations.map((one) => `${one.id}: ${one.nodes.length} x ${one.nodes[0].target} ${one.nodes[0].failureSummary}`)))",
      awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return JSON.parse(result.value);
  },
  /** Every console error, exception and refusal of the content security policy since fresh(). */
  async problems() {
    return [...problems, ...(await page.evaluate(() => window.refusedByPolicy ?? [])).map((one) => `policy: ${one}`)];
  },
  forgive: async () => { problems = []; },
  transfers: async () => transfers,
  wider: () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
  /** How far things jumped, as the browser counts it (0: nothing moved). */
  shift: () => page.evaluate(() => new Promise((done) => {
    let sum = 0;
    new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value; }).observe({ type: 'layout-shift', buffered: true });
    setTimeout(() => done(sum), 50);
  })),
};

// What the page draws once a frame is drawn before anything is read.
const acts = new Set(['click', 'fill', 'choose', 'press', 'type', 'focus', 'hover', 'drag']);
const drawn = () => page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); }));

console.log(JSON.stringify({ ok: browser.version() }));
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { do: name, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { ok: (await commands[name](given)) ?? null };
    if (acts.has(name)) await drawn();
  } catch (error) {
    answer = { error: String(error.message ?? error).split('\n').slice(0, 4).join(' ') };
  }
  console.log(JSON.stringify(answer));
}
await browser.close();
