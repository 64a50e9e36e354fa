// SPDX-License-Identifier: MIT
// A provider of language models for the proxy's tests, on free loopback ports: it answers as OpenAI and
// Anthropic do, misbehaves as it is told, and remembers every request that reached it.
//
//   node fake_provider.mjs [--tls DIR]      DIR: where throwaway_ca.sh put its files
//
// Prints one JSON line, {"http", "https"?, "control", "pid"}, and ends when its standard input does.
//
// Control port (JSON):
//   POST /rules     {"<key>": RULE, "*": RULE, "first": RULE}   replaces the rules. A key is what the request
//                   authenticates with. "first" sticks to the key that asks first after this call.
//   GET  /requests  every request: {n, at, method, path, key, headers, body_bytes, body_sha256, connection, ended,
//                   gone, events, written, sent_sha256}; times in ns of the system's monotonic clock
//   POST /reset     forgets requests and rules             GET /connections  {open, made}
//   POST /refuse    stops listening, drops connections     POST /listen      listens again on the same port
//   POST /hang_up   closes the connections that wait for a request
//   POST /release   answers the requests that are held
//
// RULE: {"kind": ..., "times": N (then as usual), ...}
//   ok           {events, interval_ms, headers}        a stream of so many pieces, so far apart
//   status       {status, headers, body, error}        an error in the dialect's shape
//   error_event  {after}                               a 200 stream whose next event is an error
//   die          {after, reset}                        the connection ends after so many events of a stream
//   stall_head   {ms}      stall {after, ms}           silence before the head, or inside the stream
//   hold         {}                                    no head until /release
//   endless      {interval_ms, bytes, write, framing}  until the client leaves; `write`: so many bytes at a time, whatever
//                                                      they are, framed by "chunked" (usual), "length" or "close"
//   flood        {bytes}                               so many bytes of events, as fast as they are taken
//   hang_up      {before_body}                         no answer: closed after the body, or after the head
//   raw          {text | shape}                        these bytes, then closed; the shapes are below
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { setImmediate as others, setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { endpoints, errorBody, errorEvent } from './provider_answers.mjs';

const { values: options } = parseArgs({ options: { tls: { type: 'string' } } });
const now = () => Number(process.hrtime.bigint());

let rules = {};
let firstKey = null;
let requests = [];
let connectionsMade = 0;
const held = []; // each lets one request go on
const open = new Map(); // socket -> {number, busy}

const json = (value) => `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${value}`;
const body = '{"id":"x","object":"chat.completion","choices":[]}';
const shapes = {
  bad_chunk: json(`Transfer-Encoding: chunked\r\n\r\nzz\r\n${body}\r\n0\r\n\r\n`),
  chunk_overflow: json(`Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n${body}\r\n0\r\n\r\n`),
  both_lengths: json(`Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`),
  two_lengths: json(`Content-Length: ${body.length}\r\nContent-Length: 5\r\n\r\n${body}`),
  negative_length: json(`Content-Length: -1\r\n\r\n${body}`),
  two_status_lines: `HTTP/1.1 200 OK\r\n${json(`Content-Length: ${body.length}\r\n\r\n${body}`)}`,
  header_bomb: json(`${'X-Bomb: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(40000)}Content-Length: ${body.length}\r\n\r\n${body}`),
  split_header: json(`X-Split: a\rSet-Cookie: stolen=1\r\nX-Nul: a\0b\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  endless_head_line: json(`X-Long: ${'a'.repeat(2000000)}`),
  short_body: json(`Content-Length: ${body.length + 10}\r\n\r\n${body}`),
  garbage: '\x00\x01\x02not http at all\r\n\r\n',
  nothing: '',
};

const keyOf = (request) => request.headers['x-api-key'] ??
  /^Bearer\s+(.*)$/i.exec(request.headers.authorization ?? '')?.[1] ?? request.headers['x-goog-api-key'] ?? '';

/** The rule that this key's request meets; a spent one is gone. */
function ruleFor(key) {
  if (rules.first && firstKey === null) firstKey = key;
  const name = rules[key] ? key : rules.first && firstKey === key ? 'first' : '*';
  const rule = rules[name] ?? { kind: 'ok' };
  if (rule.times === undefined) return rule;
  if (rule.times <= 0) return { kind: 'ok' };
  rule.times -= 1;
  return rule;
}

const rateHeaders = {
  'x-ratelimit-limit-requests': '500', 'x-ratelimit-remaining-requests': '499', 'x-ratelimit-reset-requests': '120ms',
  'anthropic-ratelimit-requests-limit': '50', 'anthropic-ratelimit-requests-remaining': '49',
};
const sse = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

/** Sends the events one by one, as the rule says. */
async function stream(answer, record, rule, events, dialect) {
  answer.writeHead(200, { ...sse, ...record.answered, ...rule.headers });
  const hash = createHash('sha256');
  for (const event of events) {
    if (rule.kind === 'error_event' && record.events === (rule.after ?? 0)) {
      answer.write(errorEvent(dialect));
      break;
    }
    if (rule.kind === 'die' && record.events === (rule.after ?? 1)) {
      await sleep(20); // what was written is on its way
      return rule.reset ? answer.socket.resetAndDestroy() : answer.socket.destroy();
    }
    if (rule.kind === 'stall' && record.events === (rule.after ?? 1)) await sleep(rule.ms);
    else if (rule.interval_ms && record.events > 0) await sleep(rule.interval_ms);
    if (record.gone) return undefined;
    if (!answer.write(event)) await drained(answer);
    record.events += 1;
    record.written += Buffer.byteLength(event);
    hash.update(event);
    record.sent_sha256 = hash.copy().digest('hex');
  }
  return answer.end();
}

const drained = (answer) => new Promise((resume) => {
  const done = () => {
    answer.off('drain', done);
    answer.off('close', done);
    resume();
  };
  answer.on('drain', done);
  answer.on('close', done);
});

function fillerEvent(bytes) {
  const filler = 'x'.repeat(Math.max(1, bytes));
  return `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content: filler } }] })}\n\n`;
}

const rounds = new Map(); // rule -> what it sends again and again, twice: any place in the first half is a beginning

/** A stream with no end straight into the socket, in writes of one size that mind no event and no chunk. */
async function pourRaw({ socket }, record, rule) {
  const framing = rule.framing ?? 'chunked';
  const name = JSON.stringify(rule);
  if (!rounds.has(name)) {
    const event = fillerEvent(rule.bytes);
    const framed = framing === 'chunked' ? `${event.length.toString(16)}\r\n${event}\r\n` : event;
    rounds.set(name, Buffer.from(framed.repeat(2 * Math.ceil(rule.write / framed.length))));
  }
  const round = rounds.get(name);
  const frames = { chunked: 'transfer-encoding: chunked\r\n', length: 'content-length: 1000000000000\r\n', close: '' };
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${frames[framing]}\r\n`);
  let writes = 0;
  for (let at = 0; !record.gone && !socket.destroyed; at = (at + rule.write) % (round.length / 2)) {
    record.written += rule.write;
    if (!socket.write(round.subarray(at, at + rule.write))) await drained(socket);
    writes += 1;
    if (writes % 64 === 0) await others(); // one that takes all must not keep the rest waiting
  }
}

/** A stream with no end, or of so many bytes, whose every event is alike. */
async function pour(answer, record, rule) {
  if (rule.write) return pourRaw(answer, record, rule);
  answer.writeHead(200, { ...sse, ...record.answered });
  const event = fillerEvent(rule.kind === 'flood' ? 64000 : rule.bytes ?? 100);
  while (!record.gone && (rule.kind === 'endless' || record.written < rule.bytes)) {
    record.events += 1;
    record.written += event.length;
    if (!answer.write(event)) await drained(answer);
    if (rule.interval_ms) await sleep(rule.interval_ms);
    else if (record.events % 64 === 0) await others();
  }
  return record.gone ? undefined : answer.end('data: [DONE]\n\n');
}

async function answerTo(request, answer, record) {
  const endpoint = endpoints[`${request.method} ${record.path.split('?')[0]}`];
  const dialect = endpoint?.dialect ?? (request.headers['anthropic-version'] ? 'anthropic' : 'openai');
  const fail = (status, said, headers = {}, text = undefined) => {
    answer.writeHead(status, { 'content-type': 'application/json', ...record.answered, ...headers });
    answer.end(text ?? JSON.stringify(errorBody(dialect, status, said)));
  };
  const rule = ruleFor(record.key);
  record.rule = rule.kind;
  if (rule.kind === 'hang_up' && rule.before_body) return request.socket.destroy();
  const parts = [];
  for await (const part of request) parts.push(part);
  const received = Buffer.concat(parts);
  record.body_bytes = received.length;
  record.body_sha256 = createHash('sha256').update(received).digest('hex');
  if (rule.kind === 'hang_up') return request.socket.destroy();
  if (rule.kind === 'raw') {
    request.socket.write(rule.text ?? shapes[rule.shape], 'latin1');
    return request.socket.end();
  }
  if (rule.kind === 'stall_head') await sleep(rule.ms);
  if (rule.kind === 'hold') await new Promise((go) => { held.push(go); });
  if (rule.kind === 'status') return fail(rule.status, rule.error ?? `told to answer ${rule.status}`, rule.headers, rule.body);
  if (!record.key) return fail(401, 'no key');
  if (!endpoint) return fail(404, `no ${request.method} ${record.path} here`);
  let document = {};
  if (received.length > 0) {
    try {
      document = JSON.parse(received);
    } catch {
      return fail(400, 'not JSON');
    }
  }
  if (document.model === 'no-such-model') return fail(404, 'The model does not exist');
  if (rule.kind === 'endless' || rule.kind === 'flood') return pour(answer, record, rule);
  const id = `fake${record.n}`;
  if (endpoint.events && document.stream === true) {
    return stream(answer, record, rule, endpoint.events(document, id, rule.events ?? 5), dialect);
  }
  answer.writeHead(200, { 'content-type': 'application/json', ...record.answered, ...rule.headers });
  return answer.end(JSON.stringify(endpoint.json(document, id, dialect)));
}

function serve(request, answer) {
  const state = open.get(request.socket) ?? { number: 0, busy: false };
  const record = {
    n: requests.length + 1, at: now(), method: request.method, path: request.url, key: keyOf(request),
    headers: request.rawHeaders, body_bytes: null, body_sha256: null, connection: state.number, ended: null, gone: null,
    events: 0, written: 0,
  };
  Object.defineProperty(record, 'answered', {
    value: { 'x-request-id': `req_fake_${record.n}`, 'request-id': `req_fake_${record.n}`, ...rateHeaders, 'set-cookie': 'upstream=1' },
  });
  requests.push(record);
  state.busy = true;
  answer.on('close', () => {
    state.busy = false;
    if (answer.writableFinished) record.ended = now();
    else record.gone = now();
  });
  answerTo(request, answer, record).catch((error) => {
    if (!record.gone && !request.socket.destroyed) {
      console.error(error);
      request.socket.destroy();
    }
  });
}

function provider(make) {
  const server = make(serve);
  server.keepAliveTimeout = 600000;
  server.on(make.secure ? 'secureConnection' : 'connection', (socket) => {
    connectionsMade += 1;
    open.set(socket, { number: connectionsMade, busy: false });
    socket.setNoDelay(true);
    socket.on('error', () => {}); // a peer that resets is part of the tests
    socket.on('close', () => open.delete(socket));
  });
  return server;
}

const listen = (server, port = 0) => new Promise((done, failed) => {
  server.once('error', failed);
  server.listen({ port, host: '127.0.0.1', backlog: 8192 }, () => done(server.address().port));
});

const plainMaker = (handler) => http.createServer({ maxHeaderSize: 1 << 20 }, handler);
const plain = provider(plainMaker);
const servers = [[plain, await listen(plain)]];
if (options.tls) {
  const [cert, key] = ['leaf.pem', 'leaf.key'].map((name) => readFileSync(path.join(options.tls, name)));
  const sealedMaker = (handler) => https.createServer({ cert, key }, handler);
  sealedMaker.secure = true;
  const sealed = provider(sealedMaker);
  servers.push([sealed, await listen(sealed)]);
}

const controls = {
  'GET /requests': () => requests,
  'GET /connections': () => ({ open: open.size, made: connectionsMade }),
  'POST /rules': (asked) => { rules = asked; firstKey = null; },
  'POST /reset': () => { rules = {}; requests = []; firstKey = null; },
  'POST /hang_up': () => {
    const idle = [...open].filter(([, state]) => !state.busy);
    for (const [socket] of idle) socket.destroy();
    return { closed: idle.length };
  },
  'POST /release': () => {
    for (const go of held.splice(0)) go();
  },
  'POST /refuse': async () => {
    const closed = servers.map(([server]) => new Promise((done) => { server.close(done); }));
    for (const socket of open.keys()) socket.destroy();
    await Promise.all(closed);
  },
  'POST /listen': async () => {
    for (const [server, port] of servers) await listen(server, port);
  },
};
const control = http.createServer(async (request, answer) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const found = controls[`${request.method} ${request.url}`];
  const result = found ? await found(parts.length > 0 ? JSON.parse(Buffer.concat(parts)) : {}) : undefined;
  answer.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
  answer.end(JSON.stringify(result ?? {}));
});
const controlPort = await listen(control);

console.log(JSON.stringify({
  http: `http://127.0.0.1:${servers[0][1]}`, ...(servers[1] ? { https: `https://127.0.0.1:${servers[1][1]}` } : {}),
  control: `http://127.0.0.1:${controlPort}`, pid: process.pid,
}));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
