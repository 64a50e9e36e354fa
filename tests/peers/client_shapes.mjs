// SPDX-License-Identifier: MIT
// How each CLI talks to its own OAuth server, translated to and from a standard one.
import { createHash, createHmac, randomBytes } from 'node:crypto';

export const sha256 = (text) => createHash('sha256').update(text).digest('hex');

// The public client ids of the CLIs; none of them is a secret.
// rotates: whether a refresh token is single use at this vendor.
export const clients = {
  kimi: { id: '17e5f671-d194-4dfb-9706-5516cb48c098', rotates: true },
  codex: { id: 'app_EMoamEEZ73f0CkXaXp7hrann', rotates: true },
  qwen: { id: 'f0304373b74a44d2b584a3fb70ca9e56', rotates: true },
  claude: { id: '9d1c250a-e61b-44d9-88ed-5944d1962f5e', rotates: true },
  gemini: { id: '681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com', rotates: false },
};

export const vendorOf = (clientId) => Object.keys(clients).find((name) => clients[name].id === clientId);

// path as the CLI asks for it -> vendor, and the standard endpoint behind it
export const endpoints = {
  '/api/oauth/token': { vendor: 'kimi', to: '/token' },
  '/api/oauth/device_authorization': { vendor: 'kimi', to: '/device/auth' },
  '/oauth/token': { vendor: 'codex', to: '/token' },
  '/oauth/revoke': { vendor: 'codex', to: '/token/revocation' },
  '/v1/oauth/token': { vendor: 'claude', to: '/token' },
  '/api/v1/oauth2/token': { vendor: 'qwen', to: '/token' },
  '/api/v1/oauth2/device/code': { vendor: 'qwen', to: '/device/auth' },
  '/gemini/token': { vendor: 'gemini', to: '/token' }, // on its own host it is /token
  '/token': { vendor: null, to: '/token' },
  '/device/auth': { vendor: null, to: '/device/auth' },
};

// The names of the vendors' own scopes mean nothing to the server behind; the login's own scope counts.
const kept = ['grant_type', 'client_id', 'refresh_token', 'device_code', 'code', 'code_verifier', 'redirect_uri',
  'token', 'token_type_hint'];

/** The form the standard server gets for what a CLI sent. */
export function standardForm(endpoint, contentType, body) {
  const given = /json/i.test(contentType ?? '') ? Object.entries(JSON.parse(body)) : [...new URLSearchParams(body)];
  const form = new URLSearchParams();
  for (const [name, value] of given) {
    if (endpoint.vendor === null || kept.includes(name)) form.append(name, String(value));
  }
  if (endpoint.vendor !== null && endpoint.to === '/device/auth') form.set('scope', 'openid offline_access');
  return form;
}

const key = randomBytes(32);
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function jwt(claims) {
  const signed = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

/** The server's own access token inside the one a CLI holds. */
export function plainAccessToken(text) {
  const parts = text.split('.');
  if (parts.length !== 3) return text;
  try {
    return JSON.parse(Buffer.from(parts[1], 'base64url').toString()).jti ?? text;
  } catch {
    return text;
  }
}

/** A successful token answer as this vendor words it. `account` is the login's account name. */
export function vendorAnswer(vendor, answer, account, now) {
  const { id_token: _, ...plain } = answer;
  if (vendor === 'codex') {
    const auth = { chatgpt_account_id: account, chatgpt_plan_type: 'plus', chatgpt_user_id: `user-${account}` };
    const claims = { iat: now, exp: now + answer.expires_in, sub: account, 'https://api.openai.com/auth': auth };
    return {
      id_token: jwt({ ...claims, email: `${account}@example.com` }),
      access_token: jwt({ ...claims, jti: answer.access_token }),
      refresh_token: answer.refresh_token,
      expires_in: answer.expires_in,
      token_type: answer.token_type,
    };
  }
  if (vendor === 'qwen') return { ...plain, resource_url: 'portal.qwen.ai' };
  if (vendor === 'claude') return { ...plain, scope: 'user:profile user:inference' };
  if (vendor === 'gemini') {
    const { refresh_token: __, ...without } = answer; // Google sends it once, at login
    return without;
  }
  return plain;
}

/** An error answer as this vendor words it: [status, body]. */
export function vendorError(vendor, status, answer) {
  const dead = answer.error === 'invalid_grant';
  if (vendor === 'codex' && dead) {
    const code = /already used|not found/.test(answer.detail ?? '') ? 'refresh_token_reused' : 'refresh_token_expired';
    return [401, { error: { message: 'Your refresh token cannot be used.', type: 'invalid_request_error', param: null, code } }];
  }
  const { detail: _, ...plain } = answer;
  if (vendor === 'kimi' && dead) return [401, plain];
  if (vendor === 'qwen' && answer.error === 'slow_down') return [429, plain];
  return [status, plain];
}
