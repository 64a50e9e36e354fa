// SPDX-License-Identifier: MIT

/** Why a credential serves a request or does not: how its dot looks, and what it means in words. */
const REASONS = {
  eligible: ['good', 'Can serve'],
  disabled: ['off', 'Switched off'],
  not_imported: ['off', 'Found, but not imported'],
  wrong_provider: ['off', 'Belongs to another provider'],
  wrong_model: ['off', 'Is allowed for other models only'],
  missing_scope: ['warn', 'Its login lacks a scope the request needs'],
  unusable: ['bad', 'Its store holds nothing to lend'],
  expired: ['warn', 'Its token has ended; a refresh brings it back'],
  expired_unrefreshable: ['bad', 'Its token has ended for good: log in again'],
  unverified: ['warn', 'Not validated yet'],
  revoked: ['bad', 'The provider took it back: log in again'],
  needs_login: ['bad', 'The provider refused its token: log in again'],
  cooling_down: ['wait', 'Rests after a rate limit, an overload or a failure'],
  quota_exhausted: ['wait', 'Its quota or its bill is used up'],
  excluded_by_order: ['off', 'The order of its provider leaves it out'],
  policy_forbidden: ['off', 'The configuration forbids to lend it'],
  pinned_elsewhere: ['off', 'The request is pinned to another one'],
  at_concurrency_limit: ['wait', 'As many requests as it may have are under way'],
  over_fair_share: ['wait', 'The caller has its fair share already'],
  already_tried: ['wait', 'Has failed this very request'],
};

export const reasonOf = (reason) => REASONS[reason] ?? ['off', reason.replaceAll('_', ' ')];
