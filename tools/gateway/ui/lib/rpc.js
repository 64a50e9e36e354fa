// SPDX-License-Identifier: MIT
// JSON-RPC 2.0 over fetch. One call, one promise; what goes wrong is an RpcError with a message fit to show.

export class RpcError extends Error {
  /** kind: "rpc" (the method said no), "forbidden", "signed-out", "unreachable", "broken" (not an answer of ours). */
  constructor(kind, {code = '', message, hint = '', path = '', retryAt = null}) {
    super(message);
    this.name = 'RpcError';
    Object.assign(this, {kind, code, hint, path, retryAt});
  }
}

/** {code, message, hint, ...} of the server, without a hint that the message says already. */
export function plainError(error) {
  const hint = error.hint ?? '';
  return {...error, hint: (error.message ?? '').includes(hint) ? '' : hint};
}

let count = 0;

function fromAnswer(error) {
  const data = plainError({message: error.message, ...error.data});
  return new RpcError(error.code === -32001 ? 'forbidden' : 'rpc', {
    code: data.code ?? String(error.code),
    message: data.message || 'The server refused.',
    hint: data.hint,
    path: data.path ?? '',
    retryAt: data.retryAt ?? null,
  });
}

/** rpc(method, params, {signal}) -> result. Throws RpcError, or AbortError when `signal` says so. */
export function createRpc(session) {
  return async function call(method, params = {}, {signal} = {}) {
    const id = ++count;
    let answer;
    try {
      answer = await fetch('/rpc', {
        method: 'POST',
        headers: {'content-type': 'application/json', ...session.headers()},
        body: JSON.stringify({jsonrpc: '2.0', id, method, params}),
        cache: 'no-store',
        signal,
      });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new RpcError('unreachable', {message: 'The server is not reachable.', hint: 'Is `credpool serve` still running?'});
    }
    if (answer.status === 401) {
      session.lost();
      throw new RpcError('signed-out', {message: 'You are signed out.', hint: 'Open a new link: credpool ui'});
    }
    let body;
    try {
      body = await answer.json();
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new RpcError('broken', {code: String(answer.status), message: `The server answered ${answer.status} with something that is not JSON.`});
    }
    if (body.error) throw fromAnswer(body.error);
    if (!answer.ok || body.id !== id) {
      throw new RpcError('broken', {code: String(answer.status), message: body.message || `The server answered ${answer.status}.`});
    }
    return body.result;
  };
}
