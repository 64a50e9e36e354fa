// SPDX-License-Identifier: MIT
// The answers of fake_provider.mjs: what OpenAI's and Anthropic's endpoints send, as their SDKs read it.
// A stream is an array of events, each the bytes of one whole SSE event.

const created = 1700000000;
const words = ['Hello', ' from', ' the', ' fake', ' provider'];
const text = words.join('');

/** The pieces a stream says: as many as asked for. */
const pieces = (count) => Array.from({ length: count }, (_, i) => words[i % words.length]);

const data = (value) => `data: ${JSON.stringify(value)}\n\n`;
const named = (value) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;

const openaiUsage = (completion) => ({
  prompt_tokens: 11, completion_tokens: completion, total_tokens: 11 + completion,
  prompt_tokens_details: { cached_tokens: 3 }, completion_tokens_details: { reasoning_tokens: 0 },
});
const responsesUsage = (output) => ({
  input_tokens: 11, input_tokens_details: { cached_tokens: 3 }, output_tokens: output,
  output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 11 + output,
});
const toolArguments = '{"city":"Oslo","unit":"celsius"}';

function chat(body, id) {
  const tool = body.tools?.[0]?.function?.name;
  const message = tool
    ? { role: 'assistant', content: null, refusal: null,
        tool_calls: [{ id: `call_${id}`, type: 'function', function: { name: tool, arguments: toolArguments } }] }
    : { role: 'assistant', content: text, refusal: null };
  return {
    id: `chatcmpl-${id}`, object: 'chat.completion', created, model: body.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: tool ? 'tool_calls' : 'stop' }],
    usage: openaiUsage(words.length), system_fingerprint: 'fp_fake',
  };
}

function chatEvents(body, id, count) {
  const withUsage = body.stream_options?.include_usage === true;
  const chunk = (delta, finish = null) => data({
    id: `chatcmpl-${id}`, object: 'chat.completion.chunk', created, model: body.model, system_fingerprint: 'fp_fake',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }], ...(withUsage ? { usage: null } : {}),
  });
  const tool = body.tools?.[0]?.function?.name;
  const said = tool
    ? [{ tool_calls: [{ index: 0, id: `call_${id}`, type: 'function', function: { name: tool, arguments: '' } }] },
       ...toolArguments.match(/.{1,9}/g).map((part) => ({ tool_calls: [{ index: 0, function: { arguments: part } }] }))]
    : pieces(count).map((content) => ({ content }));
  const events = [chunk({ role: 'assistant', content: tool ? null : '', refusal: null }), ...said.map((delta) => chunk(delta)),
    chunk({}, tool ? 'tool_calls' : 'stop')];
  if (withUsage) {
    events.push(data({ id: `chatcmpl-${id}`, object: 'chat.completion.chunk', created, model: body.model,
      system_fingerprint: 'fp_fake', choices: [], usage: openaiUsage(said.length) }));
  }
  return [...events, 'data: [DONE]\n\n'];
}

function completion(body, id) {
  return { id: `cmpl-${id}`, object: 'text_completion', created, model: body.model,
    choices: [{ text, index: 0, logprobs: null, finish_reason: 'stop' }], usage: openaiUsage(words.length) };
}

function completionEvents(body, id, count) {
  const chunk = (said, finish) => data({ id: `cmpl-${id}`, object: 'text_completion', created, model: body.model,
    choices: [{ text: said, index: 0, logprobs: null, finish_reason: finish }] });
  return [...pieces(count).map((said) => chunk(said, null)), chunk('', 'stop'), 'data: [DONE]\n\n'];
}

const responseObject = (body, id, status, output, usage) => ({
  id: `resp_${id}`, object: 'response', created_at: created, status, background: false, error: null,
  incomplete_details: null, instructions: body.instructions ?? null, max_output_tokens: null, model: body.model, output,
  parallel_tool_calls: true, previous_response_id: null, reasoning: { effort: null, summary: null }, store: false,
  temperature: 1, text: { format: { type: 'text' } }, tool_choice: 'auto', tools: [], top_p: 1, truncation: 'disabled',
  usage, user: null, metadata: {},
});
const responseMessage = (id, said, status) => ({
  id: `msg_${id}`, type: 'message', role: 'assistant', status,
  content: said === null ? [] : [{ type: 'output_text', text: said, annotations: [], logprobs: [] }],
});

const responses = (body, id) =>
  responseObject(body, id, 'completed', [responseMessage(id, text, 'completed')], responsesUsage(words.length));

function responsesEvents(body, id, count) {
  const said = pieces(count);
  const whole = said.join('');
  const at = { item_id: `msg_${id}`, output_index: 0, content_index: 0 };
  const part = (value) => ({ type: 'output_text', text: value, annotations: [], logprobs: [] });
  const begun = responseObject(body, id, 'in_progress', [], null);
  return [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    { type: 'response.output_item.added', output_index: 0, item: responseMessage(id, null, 'in_progress') },
    { type: 'response.content_part.added', ...at, part: part('') },
    ...said.map((delta) => ({ type: 'response.output_text.delta', ...at, delta, logprobs: [] })),
    { type: 'response.output_text.done', ...at, text: whole, logprobs: [] },
    { type: 'response.content_part.done', ...at, part: part(whole) },
    { type: 'response.output_item.done', output_index: 0, item: responseMessage(id, whole, 'completed') },
    { type: 'response.completed',
      response: responseObject(body, id, 'completed', [responseMessage(id, whole, 'completed')], responsesUsage(count)) },
  ].map((event, sequence_number) => named({ ...event, sequence_number }));
}

function embeddings(body) {
  const inputs = Array.isArray(body.input) ? body.input : [body.input];
  const vector = [0.25, -0.5, 1, 0];
  const encoded = Buffer.from(new Float32Array(vector).buffer).toString('base64');
  return { object: 'list', model: body.model, usage: { prompt_tokens: 5, total_tokens: 5 },
    data: inputs.map((_, index) => ({ object: 'embedding', index,
      embedding: body.encoding_format === 'base64' ? encoded : vector })) };
}

const anthropicUsage = (output) => ({
  input_tokens: 11, cache_creation_input_tokens: 0, cache_read_input_tokens: 3, output_tokens: output,
  service_tier: 'standard',
});
const message = (body, id, content, stop, usage) => ({
  id: `msg_${id}`, type: 'message', role: 'assistant', model: body.model, content, stop_reason: stop,
  stop_sequence: null, usage,
});

function messages(body, id) {
  const tool = body.tools?.[0]?.name;
  const content = tool ? [{ type: 'tool_use', id: `toolu_${id}`, name: tool, input: JSON.parse(toolArguments) }]
    : [{ type: 'text', text }];
  return message(body, id, content, tool ? 'tool_use' : 'end_turn', anthropicUsage(words.length));
}

function messagesEvents(body, id, count) {
  const tool = body.tools?.[0]?.name;
  const block = tool ? { type: 'tool_use', id: `toolu_${id}`, name: tool, input: {} } : { type: 'text', text: '' };
  const deltas = tool
    ? toolArguments.match(/.{1,9}/g).map((part) => ({ type: 'input_json_delta', partial_json: part }))
    : pieces(count).map((said) => ({ type: 'text_delta', text: said }));
  return [
    { type: 'message_start', message: message(body, id, [], null, anthropicUsage(1)) },
    { type: 'content_block_start', index: 0, content_block: block },
    { type: 'ping' },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index: 0, delta })),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: tool ? 'tool_use' : 'end_turn', stop_sequence: null },
      usage: { output_tokens: deltas.length } },
    { type: 'message_stop' },
  ].map(named);
}

export const openaiModels = ['gpt-fake', 'gpt-fake-mini', 'text-embedding-fake'];
export const anthropicModels = ['claude-fake'];

function models(dialect) {
  if (dialect === 'anthropic') {
    const list = anthropicModels.map((id) => ({ type: 'model', id, display_name: id, created_at: '2025-01-01T00:00:00Z' }));
    return { data: list, has_more: false, first_id: list[0].id, last_id: list.at(-1).id };
  }
  return { object: 'list', data: openaiModels.map((id) => ({ id, object: 'model', created, owned_by: 'fake' })) };
}

/** An error in the shape of the dialect. */
export function errorBody(dialect, status, said) {
  const anthropicTypes = { 400: 'invalid_request_error', 401: 'authentication_error', 402: 'billing_error',
    403: 'permission_error', 404: 'not_found_error', 413: 'request_too_large', 429: 'rate_limit_error', 529: 'overloaded_error' };
  const openaiCodes = { 401: 'invalid_api_key', 402: 'billing_not_active', 404: 'model_not_found', 429: 'rate_limit_exceeded' };
  const openaiTypes = { 400: 'invalid_request_error', 401: 'invalid_request_error', 404: 'invalid_request_error',
    429: 'requests' };
  if (dialect === 'anthropic') {
    return { type: 'error', error: { type: anthropicTypes[status] ?? 'api_error', message: said }, request_id: 'req_fake' };
  }
  return { error: { message: said, type: openaiTypes[status] ?? 'server_error', param: null, code: openaiCodes[status] ?? null } };
}

/** The event with which a stream that began with 200 reports an error. */
export const errorEvent = (dialect) => dialect === 'anthropic'
  ? named({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })
  : data({ error: { message: 'The server is overloaded', type: 'server_error', param: null, code: 'server_is_overloaded' } });

/** What each endpoint answers: `json` and, where there is one, `events`. */
export const endpoints = {
  'POST /v1/chat/completions': { dialect: 'openai', json: chat, events: chatEvents },
  'POST /v1/completions': { dialect: 'openai', json: completion, events: completionEvents },
  'POST /v1/responses': { dialect: 'openai', json: responses, events: responsesEvents },
  'POST /v1/embeddings': { dialect: 'openai', json: embeddings },
  'POST /v1/messages': { dialect: 'anthropic', json: messages, events: messagesEvents },
  'POST /v1/messages/count_tokens': { dialect: 'anthropic', json: () => ({ input_tokens: 11 }) },
  'GET /v1/models': { json: (body, id, dialect) => models(dialect) },
};
