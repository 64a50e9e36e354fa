// SPDX-License-Identifier: MIT
// An OAuth server with single-use refresh tokens for the refresh tests, on a free loopback port.
//
//   node oauth_server.mjs --modules DIR [--tls DIR] [--ttl SECONDS] [--grace SECONDS]
//
// --modules  where install.sh put the packages       --tls    where throwaway_ca.sh put its files
// --ttl      life of an access token, 900            --grace  a spent token gets its first answer again, 0
//
// Prints one JSON line, {"http", "https"?, "pid"}, and ends when its standard input does. The http port
// is a proxy too: CONNECT to any host arrives at the https port.
//
// For the tests, besides the endpoints of the CLIs:
//   POST /__login   {client, account?}     a fresh login: {access_token, refresh_token, expires_in, grant, account, ...}
//   POST /__approve {user_code, account?}  the person says yes to a device login; /__deny says no
//   POST /__set     {ttl, grace, code_ttl, answer_delay_ms, request_delay_ms, interval, slow_down}
//   GET  /__counts[?grant=ID]              what was spent; of one login: its spends, reuse, hash of the live token
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { clients, endpoints, plainAccessToken, sha256, standardForm, vendorAnswer, vendorError, vendorOf } from './client_shapes.mjs';
import { everlastingAdapter } from './everlasting_adapter.mjs';
import { fillIn } from './older_node.mjs';

const { values: options } = parseArgs({
  options: {
    modules: { type: 'string' }, tls: { type: 'string' },
    ttl: { type: 'string', default: '900' }, grace: { type: 'string', default: '0' },
  },
});

const settings = {
  ttl: Number(options.ttl), grace: Number(options.grace), code_ttl: 900,
  answer_delay_ms: 0, request_delay_ms: 0, interval: 0, slow_down: 0,
};
const now = () => Math.floor(Date.now() / 1000);

// ---- what is counted: the oracle of every "exactly one spend"
const counts = { success: 0, refreshes: 0, reuse: 0, revoked: 0, grace_answers: 0, errors: {}, requests: {} };
const deliveries = new Map(); // sha256(refresh token) -> times it arrived
const families = new Map(); // grant id -> {client, account, spends, reuse, revoked, live}
const accounts = new Map(); // sha256(refresh token) -> account

const family = (grant) => {
  if (!families.has(grant)) families.set(grant, { spends: 0, reuse: 0, revoked: false, live: null });
  return families.get(grant);
};

function watch(provider) {
  provider.on('grant.success', (ctx) => {
    counts.success += 1;
    const { RefreshToken } = ctx.oidc.entities;
    if (!RefreshToken) return;
    const login = family(RefreshToken.grantId);
    login.client = vendorOf(ctx.oidc.client.clientId);
    login.account = RefreshToken.accountId;
    login.live = sha256(ctx.body.refresh_token);
    accounts.set(login.live, login.account);
    if (ctx.oidc.params.grant_type === 'refresh_token') {
      counts.refreshes += 1;
      login.spends += 1;
    }
  });
  provider.on('grant.error', (ctx, error) => {
    const what = error.error_detail ?? error.message;
    counts.errors[what] = (counts.errors[what] ?? 0) + 1;
    if (what === 'refresh token already used') {
      counts.reuse += 1;
      family(ctx.oidc.entities.RefreshToken.grantId).reuse += 1;
    }
    ctx.set('x-test-detail', what);
  });
  provider.on('grant.revoked', (ctx, grant) => {
    counts.revoked += 1;
    family(grant).revoked = true;
    family(grant).live = null;
  });
  provider.on('server_error', (ctx, error) => console.error(error));
}

async function makeProvider(issuer) {
  fillIn();
  const entry = createRequire(path.join(path.resolve(options.modules), 'x.js')).resolve('oidc-provider');
  const { Provider } = await import(pathToFileURL(entry));
  const redirects = ['callback', 'auth/callback', 'oauth/callback', 'oauth2callback', '']
    .flatMap((end) => [`http://127.0.0.1/${end}`, `http://localhost/${end}`]);
  const provider = new Provider(issuer, {
    adapter: everlastingAdapter(),
    clients: Object.values(clients).map((client) => ({
      client_id: client.id,
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: [...redirects, 'https://platform.claude.com/oauth/code/callback'],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      scope: 'openid offline_access',
    })),
    cookies: { keys: [randomUUID()] },
    features: {
      deviceFlow: { enabled: true }, devInteractions: { enabled: true },
      revocation: { enabled: true }, introspection: { enabled: true },
    },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    issueRefreshToken: () => true,
    rotateRefreshToken: (ctx) => clients[vendorOf(ctx.oidc.client.clientId)].rotates,
    ttl: {
      AccessToken: () => settings.ttl, AuthorizationCode: 60, DeviceCode: () => settings.code_ttl, Grant: 10 * 365 * 86400,
      IdToken: 900, Interaction: 900, RefreshToken: 365 * 86400, Session: 365 * 86400,
    },
  });
  provider.proxy = true;
  watch(provider);
  return provider;
}

/** A login as it stands after a person said yes, without the forms. */
async function freshLogin(provider, { client: vendor = 'kimi', account = `acct-${randomUUID()}` }) {
  const client = await provider.Client.find(clients[vendor].id);
  const scope = 'openid offline_access';
  const grant = new provider.Grant({ accountId: account, clientId: client.clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const given = { accountId: account, client, grantId, scope, gty: 'device_code' };
  const refreshToken = await new provider.RefreshToken({ ...given, authTime: now(), rotations: 0 }).save();
  const access = new provider.AccessToken({ ...given, expiresIn: settings.ttl });
  const answer = {
    access_token: await access.save(), refresh_token: refreshToken, expires_in: settings.ttl,
    scope, token_type: 'Bearer',
  };
  Object.assign(family(grantId), { client: vendor, account, live: sha256(refreshToken) });
  // With the refresh token, also where the vendor sends it only this once.
  return { ...vendorAnswer(vendor, answer, account, now()), refresh_token: refreshToken, grant: grantId, account };
}

async function answerDevice(provider, { user_code: userCode = '', account = `acct-${randomUUID()}` }, yes) {
  const normal = userCode.toUpperCase().replace(/[^A-Z0-9]/g, '');
  const code = await provider.DeviceCode.findByUserCode(normal);
  if (!code) return [404, { error: 'no such user code' }];
  if (yes) {
    const grant = new provider.Grant({ accountId: account, clientId: code.clientId });
    grant.addOIDCScope('openid offline_access');
    Object.assign(code, { accountId: account, authTime: now(), grantId: await grant.save(), scope: 'openid offline_access' });
  } else {
    Object.assign(code, { error: 'access_denied', errorDescription: 'the person said no' });
  }
  await code.save();
  return [200, { account }];
}

function countsOf(grant) {
  if (grant !== null) return families.get(grant) ?? { error: 'no such grant' };
  const times = [...deliveries.values()];
  return { ...counts, tokens_delivered: times.length, delivered_again: times.filter((count) => count > 1).length };
}

// ---- the front: the CLIs' paths and shapes
const read = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
};

function send(response, status, body, headers = {}) {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers });
  response.end(text);
}

/** One request to the server behind: {status, headers, body}. */
function ask(port, method, target, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path: target, headers, agent: false }, async (response) => {
      resolve({ status: response.statusCode, headers: response.headers, body: await read(response) });
    });
    request.on('error', reject);
    request.end(body);
  });
}

// Token requests go one after the other: a spend is atomic at a real server, and two that arrive
// together must not both succeed because of this one's awaits.
let turn = Promise.resolve();
const inTurn = (work) => {
  const result = turn.then(work);
  turn = result.catch(() => {});
  return result;
};

const remembered = new Map(); // sha256(spent token) -> {at, answer}: a server with a grace time

async function tokenAnswer(inner, endpoint, form) {
  const spent = form.get('grant_type') === 'refresh_token' ? sha256(form.get('refresh_token') ?? '') : null;
  if (spent) deliveries.set(spent, (deliveries.get(spent) ?? 0) + 1);
  const earlier = spent && remembered.get(spent);
  if (earlier && Date.now() - earlier.at < settings.grace * 1000) {
    counts.grace_answers += 1;
    return [200, earlier.answer];
  }
  if (settings.slow_down > 0 && form.has('device_code')) {
    settings.slow_down -= 1;
    return vendorError(endpoint.vendor, 400, { error: 'slow_down' });
  }
  const got = await ask(inner, 'POST', '/token', { 'content-type': 'application/x-www-form-urlencoded' }, form.toString());
  const plain = JSON.parse(got.body.toString());
  if (got.status !== 200) return vendorError(endpoint.vendor, got.status, { ...plain, detail: got.headers['x-test-detail'] });
  const account = plain.refresh_token && accounts.get(sha256(plain.refresh_token));
  let answer = vendorAnswer(endpoint.vendor, plain, account, now());
  if (endpoint.vendor === 'gemini' && !spent) answer = { ...answer, refresh_token: plain.refresh_token };
  if (spent && settings.grace > 0) remembered.set(spent, { at: Date.now(), answer });
  return [200, answer];
}

async function control(provider, route, url, body) {
  const given = body.length ? JSON.parse(body.toString()) : {};
  switch (route) {
    case '/__counts': return [200, countsOf(url.searchParams.get('grant'))];
    case '/__login': return [200, await freshLogin(provider, given)];
    case '/__approve': return answerDevice(provider, given, true);
    case '/__deny': return answerDevice(provider, given, false);
    case '/__set':
      for (const [name, value] of Object.entries(given)) {
        if (!(name in settings)) return [400, { error: `no setting ${name}` }];
        settings[name] = value;
      }
      return [200, settings];
    default: return [404, { error: 'no such control' }];
  }
}

/** What an API of a vendor says to a bearer token: 200 or 401. */
async function apiAnswer(provider, authorization) {
  const token = plainAccessToken((authorization ?? '').replace(/^Bearer /i, ''));
  const found = await provider.AccessToken.find(token);
  return found ? [200, { data: [], account: found.accountId }] : [401, { error: { message: 'invalid or expired token' } }];
}

const apis = new Set(['/coding/v1/usages', '/coding/v1/models', '/backend-api/wham/usage', '/v1/models', '/api/oauth/usage']);

function front(provider, inner, scheme) {
  return async (request, response) => {
    try {
      const url = new URL(request.url, `${scheme}://${request.headers.host ?? 'localhost'}`);
      const body = await read(request);
      if (url.pathname.startsWith('/__')) return send(response, ...await control(provider, url.pathname, url, body));
      counts.requests[url.pathname] = (counts.requests[url.pathname] ?? 0) + 1;
      if (apis.has(url.pathname)) return send(response, ...await apiAnswer(provider, request.headers.authorization));

      const endpoint = url.host.startsWith('oauth2.googleapis.com') ? endpoints['/gemini/token'] : endpoints[url.pathname];
      const through = { ...request.headers, 'x-forwarded-proto': scheme, 'x-forwarded-host': url.host };
      if (!endpoint || request.method !== 'POST') {
        if (url.pathname === '/oauth/authorize') {
          url.pathname = '/auth';
          url.searchParams.set('scope', 'openid offline_access'); // as with a device login: the vendors' names mean nothing here
        }
        const got = await ask(inner, request.method, url.pathname + url.search, through, body);
        response.writeHead(got.status, got.headers);
        return response.end(got.body);
      }
      const form = standardForm(endpoint, request.headers['content-type'], body.toString());
      await sleep(settings.request_delay_ms);
      if (endpoint.to !== '/token') {
        const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-proto': scheme, 'x-forwarded-host': url.host, host: url.host };
        const got = await ask(inner, 'POST', endpoint.to, headers, form.toString());
        const answer = got.body.length ? JSON.parse(got.body.toString()) : {};
        if (endpoint.to === '/device/auth' && settings.interval > 0 && got.status === 200) answer.interval = settings.interval;
        return send(response, got.status, answer);
      }
      const [status, answer] = await inTurn(() => tokenAnswer(inner, endpoint, form));
      await sleep(settings.answer_delay_ms);
      return send(response, status, answer, { 'cache-control': 'no-store' });
    } catch (error) {
      console.error(error);
      if (!response.headersSent) send(response, 500, { error: 'server_error' });
      return undefined;
    }
  };
}

const listen = (server) => new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(server.address().port)); });

async function main() {
  const behind = http.createServer();
  const inner = await listen(behind);
  const open = http.createServer();
  const port = await listen(open);
  const provider = await makeProvider(`http://127.0.0.1:${port}`);
  behind.on('request', provider.callback());
  open.on('request', front(provider, inner, 'http'));
  const said = { http: `http://127.0.0.1:${port}`, pid: process.pid };
  if (options.tls) {
    const pair = { cert: readFileSync(path.join(options.tls, 'leaf.pem')), key: readFileSync(path.join(options.tls, 'leaf.key')) };
    const sealed = https.createServer(pair, front(provider, inner, 'https'));
    const sealedPort = await listen(sealed);
    said.https = `https://127.0.0.1:${sealedPort}`;
    open.on('connect', (request, socket) => {
      const up = net.connect(sealedPort, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        up.pipe(socket);
        socket.pipe(up);
      });
      up.on('error', () => socket.destroy());
      socket.on('error', () => up.destroy());
    });
  }
  process.stdin.on('end', () => process.exit(0)).resume();
  console.log(JSON.stringify(said));
}

await main();
