// SPDX-License-Identifier: MIT
// What oidc-provider needs of a Node.js that is older than it asks for (Debian 12 has 18).
import * as crypto from 'node:crypto';
import { register } from 'node:module';

const source = `
  import { createHash } from 'node:crypto';
  export * from 'node:crypto';
  export { default } from 'node:crypto';
  export const hash = (algorithm, data, encoding = 'hex') => createHash(algorithm).update(data).digest(encoding);
`;
const replacement = `data:text/javascript,${encodeURIComponent(source)}`;

/** A module hook: oidc-provider's node:crypto has crypto.hash. */
export async function resolve(specifier, context, next) {
  if (specifier === 'node:crypto' && context.parentURL?.includes('/oidc-provider/')) {
    return { url: replacement, shortCircuit: true };
  }
  return next(specifier, context);
}

/** Before oidc-provider is imported; does nothing on a Node.js that has it all. */
export function fillIn() {
  globalThis.crypto ??= crypto.webcrypto;
  URL.parse ??= (text, base) => {
    try {
      return new URL(text, base);
    } catch {
      return null;
    }
  };
  if (!crypto.hash) register(import.meta.url);
}
