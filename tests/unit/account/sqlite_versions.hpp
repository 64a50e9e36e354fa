#pragma once
// SPDX-License-Identifier: MIT

#include <array>

/// What servers of earlier versions have left, one text for each version, never changed: an account
/// with 10 dollars that has spent 2.5, one key with a limit of 5 a day, what a dead server held
/// (and, in version 3, what it had not booked). element n is put into the tables of version n + 1.
inline constexpr std::array<const char*, 3> sqlite_account_versions{R"sql(
INSERT INTO account(number, id, email, password_hash, plan, avatar_url, created_at, credits, usage,
  reserved, usage_entry, usage_day)
VALUES (1, '11111111-1111-4111-8111-111111111111', 'ann@example.com', 'x', 'free', '',
  1790000000000, 10000000, 2500000, 1000000, 2, '2026-09-21');
INSERT INTO management_key VALUES ('mm', '11111111-1111-4111-8111-111111111111', 1790000000000, NULL);
INSERT INTO provisioned_key(number, hash, digest, account, name, credit_limit, limit_reset, usage,
  period_usage, period_start, period_kind, counted_from, disabled, created_at)
VALUES (1, '0123456789abcdef', 'dd', '11111111-1111-4111-8111-111111111111', 'k', 5000000, 'daily',
  2500000, 2500000, 1789948800000, 'daily', 1789948800000, 0, 1790000000000);
INSERT INTO credit_transaction VALUES (1, 't1', '11111111-1111-4111-8111-111111111111', 'purchase',
  10000000, 10000000, 'bought', 1790000000000, 'stripe:1');
INSERT INTO credit_transaction VALUES (2, 't2', '11111111-1111-4111-8111-111111111111', 'usage',
  -2500000, 7500000, 'Usage on 2026-09-21', 1790000000000, NULL);
INSERT INTO allowance VALUES ('0123456789abcdef', 1789948800000,
  '11111111-1111-4111-8111-111111111111', 1000000);
INSERT INTO usage_row VALUES (1, '11111111-1111-4111-8111-111111111111', '0123456789abcdef', 'r1',
  'gpt-4o', 1000, 0, 0, 0, 0, 2500000, 200, 1790000000000);
INSERT INTO usage_day VALUES ('11111111-1111-4111-8111-111111111111', '0123456789abcdef',
  '2026-09-21', 'gpt-4o', 1, 1000, 0, 2500000);
INSERT INTO answer VALUES ('11111111-1111-4111-8111-111111111111', 'i', 'q', 200, '{}', 1,
  1790000000000);
INSERT INTO device_session VALUES ('d', 't', 'c', '', 1790000000000, x'00');
)sql",
                                                                    R"sql(
INSERT INTO account(number, id, email, password_hash, plan, avatar_url, created_at, credits, usage,
  reserved, usage_entry, usage_day)
VALUES (1, '11111111-1111-4111-8111-111111111111', 'ann@example.com', 'x', 'free', '',
  1790000000000, 10000000, 2500000, 1000000, 2, '2026-09-21');
INSERT INTO management_key VALUES ('mm', '11111111-1111-4111-8111-111111111111', 1790000000000, NULL);
INSERT INTO provisioned_key(number, hash, digest, account, name, credit_limit, limit_reset, usage,
  period_usage, period_start, period_kind, counted_from, disabled, created_at)
VALUES (1, '0123456789abcdef', 'dd', '11111111-1111-4111-8111-111111111111', 'k', 5000000, 'daily',
  2500000, 2500000, 1789948800000, 'daily', 1789948800000, 0, 1790000000000);
INSERT INTO credit_transaction VALUES (1, 't1', '11111111-1111-4111-8111-111111111111', 'purchase',
  10000000, 10000000, 'bought', 1790000000000, 'stripe:1');
INSERT INTO credit_transaction VALUES (2, 't2', '11111111-1111-4111-8111-111111111111', 'usage',
  -2500000, 7500000, 'Usage on 2026-09-21', 1790000000000, NULL);
INSERT INTO allowance VALUES ('0123456789abcdef', 1789948800000,
  '11111111-1111-4111-8111-111111111111', 1000000);
INSERT INTO usage_key VALUES (1, '0123456789abcdef');
INSERT INTO usage_row VALUES (1, 1, 1, 'r1', 'gpt-4o', 1000, 0, 0, 0, 0, 2500000, 200, 1790000000000);
INSERT INTO usage_day VALUES ('11111111-1111-4111-8111-111111111111', '0123456789abcdef',
  '2026-09-21', 'gpt-4o', 1, 1000, 0, 2500000);
INSERT INTO answer VALUES ('11111111-1111-4111-8111-111111111111', 'i', 'q', 200, '{}', 1,
  1790000000000);
INSERT INTO device_session VALUES ('d', 't', 'c', '', 1790000000000, x'00');
)sql",
                                                                    R"sql(
INSERT INTO account(number, id, email, password_hash, plan, avatar_url, created_at, credits, usage,
  reserved, usage_entry, usage_day)
VALUES (1, '11111111-1111-4111-8111-111111111111', 'ann@example.com', 'x', 'free', '',
  1790000000000, 10000000, 0, 3500000, NULL, '');
INSERT INTO management_key VALUES ('mm', '11111111-1111-4111-8111-111111111111', 1790000000000, NULL);
INSERT INTO provisioned_key(number, hash, digest, account, name, credit_limit, limit_reset, usage,
  period_usage, period_start, period_kind, counted_from, disabled, created_at)
VALUES (1, '0123456789abcdef', 'dd', '11111111-1111-4111-8111-111111111111', 'k', 5000000, 'daily', 0,
  0, 1789948800000, 'daily', 1789948800000, 0, 1790000000000);
INSERT INTO credit_transaction VALUES (1, 't1', '11111111-1111-4111-8111-111111111111', 'purchase',
  10000000, 10000000, 'bought', 1790000000000, 'stripe:1');
INSERT INTO allowance VALUES ('0123456789abcdef', 1789948800000,
  '11111111-1111-4111-8111-111111111111', 3500000);
INSERT INTO settlement VALUES (1, '0123456789abcdef', '11111111-1111-4111-8111-111111111111',
  1789948800000, 2500000, 0, 1, '2026-09-21', 'r1', 'gpt-4o', 1000, 0, 0, 0, 0, 200, 1790000000000);
INSERT INTO answer VALUES ('11111111-1111-4111-8111-111111111111', 'i', 'q', 200, '{}', 1,
  1790000000000);
INSERT INTO device_session VALUES ('d', 't', 'c', '', 1790000000000, x'00');
)sql"};
