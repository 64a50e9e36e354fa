// SPDX-License-Identifier: MIT
// The vendors' own SDKs against one base URL: what a user of the proxy sees.
//
//   node sdk_suite.mjs --modules DIR --url URL --openai-key KEY --anthropic-key KEY --control URL [--through-proxy]
//
// One JSON line for each case, {"name", "error"?}; exit code 0 when all went well. --control is the
// fake provider's (fake_provider.mjs); with --through-proxy the answers must carry the proxy's headers.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    modules: { type: 'string' }, url: { type: 'string' }, 'openai-key': { type: 'string' }, 'anthropic-key': { type: 'string' },
    control: { type: 'string' }, 'through-proxy': { type: 'boolean', default: false },
  },
});
const require = createRequire(path.join(path.resolve(options.modules), 'x.js'));
const load = async (name) => (await import(pathToFileURL(require.resolve(name)))).default;
const OpenAI = await load('openai');
const Anthropic = await load('@anthropic-ai/sdk');

const openai = new OpenAI({ apiKey: options['openai-key'], baseURL: `${options.url}/v1`, maxRetries: 0, timeout: 20000 });
const anthropic = new Anthropic({ apiKey: options['anthropic-key'], authToken: null, baseURL: options.url, maxRetries: 0,
  timeout: 20000 });

const control = async (where, value) => {
  const answer = await fetch(`${options.control}${where}`, value ? { method: 'POST', body: JSON.stringify(value) } : {});
  assert.equal(answer.status, 200);
  return answer.json();
};
const rules = (value) => control('/rules', value);
const lastRequest = async () => (await control('/requests')).filter((one) => one.method === 'POST').at(-1);
async function eventually(ready, said) {
  for (let i = 0; i < 1000; i += 1) {
    const found = await ready();
    if (found) return found;
    await sleep(10);
  }
  return assert.fail(said);
}

const whole = 'Hello from the fake provider';
const say = { model: 'gpt-fake', messages: [{ role: 'user', content: 'hello' }] };
const sayToClaude = { model: 'claude-fake', max_tokens: 100, messages: [{ role: 'user', content: 'hello' }] };
const parameters = { type: 'object', properties: { city: { type: 'string' }, unit: { type: 'string' } } };
const tools = [{ type: 'function', function: { name: 'weather', parameters } }];
const claudeTools = [{ name: 'weather', input_schema: parameters }];
const weather = { city: 'Oslo', unit: 'celsius' };
const fail = (kind, status, headers) => rules({ '*': { kind, status, headers } });

const cases = {
  'chat: an answer with its usage, ids and rate headers': async () => {
    const { data, response } = await openai.chat.completions.create(say).withResponse();
    assert.equal(data.choices[0].message.content, whole);
    assert.equal(data.usage.prompt_tokens_details.cached_tokens, 3);
    assert.equal(response.headers.get('x-ratelimit-remaining-requests'), '499');
    assert.ok(response.headers.get('x-request-id'));
    if (options['through-proxy']) {
      assert.ok(response.headers.get('x-credpool-credential'));
      assert.equal(response.headers.get('x-credpool-attempts'), '1');
    }
  },
  'chat: a tool call': async () => {
    const got = await openai.chat.completions.create({ ...say, tools });
    assert.equal(got.choices[0].finish_reason, 'tool_calls');
    assert.deepEqual(JSON.parse(got.choices[0].message.tool_calls[0].function.arguments), weather);
  },
  'chat: a stream with its usage': async () => {
    await rules({ '*': { kind: 'ok', events: 50, interval_ms: 2 } });
    const stream = await openai.chat.completions.create({ ...say, stream: true, stream_options: { include_usage: true } });
    let said = '';
    let usage;
    for await (const chunk of stream) {
      said += chunk.choices[0]?.delta?.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(said, whole.repeat(10));
    assert.equal(usage.total_tokens, 61);
  },
  'chat: a stream with a tool call': async () => {
    const final = await openai.chat.completions.stream({ ...say, tools }).finalChatCompletion();
    assert.deepEqual(JSON.parse(final.choices[0].message.tool_calls[0].function.arguments), weather);
  },
  'chat: a large body arrives as it was sent': async () => {
    const messages = [{ role: 'user', content: '\u00e9\u{1f600}"\\ '.repeat(60000) }];
    await openai.chat.completions.create({ ...say, messages });
    const { body_bytes: received } = await lastRequest();
    assert.equal(received, Buffer.byteLength(JSON.stringify({ ...say, messages })));
  },
  'responses: an answer': async () => {
    const got = await openai.responses.create({ model: 'gpt-fake', input: 'hello' });
    assert.equal(got.output_text, whole);
    assert.equal(got.usage.input_tokens_details.cached_tokens, 3);
  },
  'responses: a stream': async () => {
    const seen = [];
    let said = '';
    for await (const event of await openai.responses.create({ model: 'gpt-fake', input: 'hello', stream: true })) {
      seen.push(event.sequence_number);
      if (event.type === 'response.output_text.delta') said += event.delta;
      if (event.type === 'response.completed') assert.equal(event.response.usage.output_tokens, 5);
    }
    assert.equal(said, whole);
    assert.deepEqual(seen, seen.map((_, i) => i));
  },
  embeddings: async () => {
    const got = await openai.embeddings.create({ model: 'text-embedding-fake', input: ['a', 'b'] });
    assert.deepEqual(got.data.map((one) => one.embedding), [[0.25, -0.5, 1, 0], [0.25, -0.5, 1, 0]]);
  },
  'completions: an answer and a stream': async () => {
    const ask = { model: 'gpt-fake', prompt: 'hello' };
    assert.equal((await openai.completions.create(ask)).choices[0].text, whole);
    let said = '';
    for await (const chunk of await openai.completions.create({ ...ask, stream: true })) said += chunk.choices[0].text;
    assert.equal(said, whole);
  },
  models: async () => {
    const ids = [];
    for await (const model of openai.models.list()) ids.push(model.id);
    assert.ok(ids.includes('gpt-fake'), `no gpt-fake in ${ids}`);
    if (options['through-proxy']) assert.ok(ids.includes('claude-fake'), `no claude-fake in ${ids}`);
  },
  'chat: aborted in the middle of a stream, and the upstream is told': async () => {
    await rules({ '*': { kind: 'endless', interval_ms: 5 } });
    const stream = await openai.chat.completions.create({ ...say, stream: true });
    let count = 0;
    for await (const chunk of stream) {
      if (chunk.choices.length > 0 && ++count === 3) stream.controller.abort();
    }
    await eventually(async () => (await lastRequest()).gone, 'the upstream still writes 5 s after the client left');
  },
  'chat: aborted before the answer began, and the upstream is told': async () => {
    await rules({ '*': { kind: 'stall_head', ms: 8000 } });
    const abort = new AbortController();
    const asked = openai.chat.completions.create(say, { signal: abort.signal });
    await eventually(async () => (await lastRequest())?.rule === 'stall_head', 'it did not arrive');
    abort.abort();
    await assert.rejects(asked, OpenAI.APIUserAbortError);
    await eventually(async () => (await lastRequest()).gone, 'the upstream still works 5 s after the client left');
  },
  'chat: 401, 404, 429 and 5xx are the errors of the SDK': async () => {
    const expected = { 401: OpenAI.AuthenticationError, 429: OpenAI.RateLimitError, 500: OpenAI.InternalServerError,
      503: OpenAI.InternalServerError };
    for (const [status, kind] of Object.entries(options['through-proxy'] ? {} : expected)) {
      await fail('status', Number(status), status === '429' ? { 'retry-after': '7' } : {});
      await assert.rejects(openai.chat.completions.create(say), kind);
    }
    await rules({});
    await assert.rejects(openai.chat.completions.create({ ...say, model: 'no-such-model' }), OpenAI.NotFoundError);
    const stranger = new OpenAI({ apiKey: 'sk-nobody', baseURL: `${options.url}/v1`, maxRetries: 0 });
    if (options['through-proxy']) await assert.rejects(stranger.chat.completions.create(say), OpenAI.AuthenticationError);
    await fail('status', 400);
    await assert.rejects(openai.chat.completions.create(say), OpenAI.BadRequestError);
  },
  'messages: an answer': async () => {
    const { data, response } = await anthropic.messages.create(sayToClaude).withResponse();
    assert.equal(data.content[0].text, whole);
    assert.equal(data.usage.cache_read_input_tokens, 3);
    assert.equal(response.headers.get('anthropic-ratelimit-requests-remaining'), '49');
    if (options['through-proxy']) assert.ok(response.headers.get('x-credpool-credential'));
  },
  'messages: a tool call': async () => {
    const got = await anthropic.messages.create({ ...sayToClaude, tools: claudeTools });
    assert.deepEqual(got.content[0].input, weather);
    const streamed = await anthropic.messages.stream({ ...sayToClaude, tools: claudeTools }).finalMessage();
    assert.deepEqual(streamed.content[0].input, weather);
  },
  'messages: a stream': async () => {
    await rules({ '*': { kind: 'ok', events: 50, interval_ms: 2 } });
    const stream = anthropic.messages.stream(sayToClaude);
    let said = '';
    stream.on('text', (part) => { said += part; });
    const final = await stream.finalMessage();
    assert.equal(said, whole.repeat(10));
    assert.equal(final.usage.output_tokens, 50);
    assert.equal(final.stop_reason, 'end_turn');
  },
  'messages: the caller\'s version and beta headers go on': async () => {
    await anthropic.messages.create(sayToClaude, { headers: { 'anthropic-beta': 'some-feature-2025-01-01' } });
    const { headers } = await lastRequest();
    const value = (name) => headers[headers.findIndex((one, i) => i % 2 === 0 && one.toLowerCase() === name) + 1];
    assert.match(value('anthropic-beta'), /some-feature-2025-01-01/);
    assert.equal(value('anthropic-version'), '2023-06-01');
  },
  'messages: a model that nobody has, a stranger\'s key and a bad request are the errors of the SDK': async () => {
    if (options['through-proxy']) {
      await assert.rejects(anthropic.messages.create({ ...sayToClaude, model: 'claude-nobody-has' }), Anthropic.NotFoundError);
      const stranger = new Anthropic({ apiKey: 'sk-nobody', authToken: null, baseURL: options.url, maxRetries: 0 });
      await assert.rejects(stranger.messages.create(sayToClaude), (error) =>
        error instanceof Anthropic.AuthenticationError && error.error?.error?.type === 'authentication_error');
    }
    await fail('status', 400);
    await assert.rejects(anthropic.messages.create(sayToClaude), (error) =>
      error instanceof Anthropic.BadRequestError && error.error?.error?.type === 'invalid_request_error');
  },
  // These last: a proxy sets the credentials aside for a while after each.
  'both: rate limited is the error of the SDK, with when to come back': async () => {
    await fail('status', 429, { 'retry-after': '2' });
    const waits = (error) => Number(error.headers.get('retry-after')) > 0 && Number(error.headers.get('retry-after')) <= 7;
    await assert.rejects(openai.chat.completions.create(say), (error) => error instanceof OpenAI.RateLimitError && waits(error));
    await assert.rejects(anthropic.messages.create(sayToClaude), (error) =>
      error instanceof Anthropic.RateLimitError && error.error?.error?.type === 'rate_limit_error' && waits(error));
  },
  'chat: an error inside a stream raises': async () => {
    await rules({ '*': { kind: 'error_event', after: 3 } });
    await assert.rejects(async () => {
      for await (const chunk of await openai.chat.completions.create({ ...say, stream: true })) assert.ok(chunk);
    }, OpenAI.APIError);
  },
  'messages: an error inside a stream raises': async () => {
    await rules({ '*': { kind: 'error_event', after: 4 } });
    await assert.rejects(anthropic.messages.stream(sayToClaude).finalMessage(),
      (error) => error instanceof Anthropic.APIError && /overloaded/i.test(error.message));
  },
};

// An error inside a stream makes a proxy rest its provider for a moment.
async function served() {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${options['openai-key']}` };
  for (const [where, body] of [['/v1/chat/completions', say], ['/v1/messages', sayToClaude]]) {
    await eventually(async () => {
      const answer = await fetch(options.url + where, { method: 'POST', headers, body: JSON.stringify(body) });
      await answer.arrayBuffer();
      return answer.status === 200;
    }, `${where} is not served`);
  }
}

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  await rules({});
  try {
    if (options['through-proxy']) await served();
    await run();
    console.log(JSON.stringify({ name }));
  } catch (error) {
    failed += 1;
    console.log(JSON.stringify({ name, error: String(error.stack ?? error).slice(0, 1500) }));
  }
}
process.exit(failed === 0 ? 0 : 1);
