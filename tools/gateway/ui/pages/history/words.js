// SPDX-License-Identifier: MIT

/** The statuses an entry can have: how its dot looks, and the words beside it. */
export const STATUSES = new Map([
  ['active', ['good', 'Active']],
  ['expiring', ['warn', 'Expiring']],
  ['expired', ['bad', 'Expired']],
  ['invalid', ['bad', 'Invalid']],
  ['revoked', ['bad', 'Revoked']],
  ['needs_login', ['bad', 'Login needed']],
  ['disabled', ['off', 'Disabled']],
]);

/** A file may hold a status that another program wrote: it is shown as it is. */
export const statusOf = (status) => STATUSES.get(status) ?? ['off', status || 'Unknown'];
