// SPDX-License-Identifier: MIT
// Module hooks for a Node.js before 20.12 (Debian 12 has 18): oidc-provider calls crypto.hash, which
// came later. Its imports of node:crypto get a module that has it.
const source = `
  import { createHash } from 'node:crypto';
  export * from 'node:crypto';
  export { default } from 'node:crypto';
  export const hash = (algorithm, data, encoding = 'hex') => createHash(algorithm).update(data).digest(encoding);
`;
const replacement = `data:text/javascript,${encodeURIComponent(source)}`;

export async function resolve(specifier, context, next) {
  if (specifier === 'node:crypto' && context.parentURL?.includes('/oidc-provider/')) {
    return { url: replacement, shortCircuit: true };
  }
  return next(specifier, context);
}
