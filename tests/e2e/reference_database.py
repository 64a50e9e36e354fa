# SPDX-License-Identifier: MIT
"""A database as the first server of this kind keeps it, with made-up rows."""
import subprocess

from postgres_server import PostgresServer, find_program

TABLES = """
CREATE TABLE schema_migrations(version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE users(id uuid PRIMARY KEY, email text UNIQUE NOT NULL, password_hash text, plan text NOT NULL DEFAULT 'free',
  github_id bigint UNIQUE, avatar_url text, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE management_keys(id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL REFERENCES users, key_value text UNIQUE NOT NULL,
  is_revoked boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT now(), revoked_at timestamptz);
CREATE TABLE provisioned_keys(id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users, hash text UNIQUE NOT NULL, key_value text NOT NULL,
  name text NOT NULL, credit_limit numeric, limit_reset text, usage numeric NOT NULL DEFAULT 0, disabled boolean NOT NULL DEFAULT false,
  is_revoked boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz, revoked_at timestamptz);
CREATE TABLE credit_balances(id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid UNIQUE NOT NULL REFERENCES users,
  total_credits numeric NOT NULL DEFAULT 0, total_usage numeric NOT NULL DEFAULT 0, auto_topup_enabled boolean NOT NULL DEFAULT false,
  auto_topup_threshold numeric NOT NULL DEFAULT 5, auto_topup_amount numeric NOT NULL DEFAULT 25, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE credit_transactions(id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL REFERENCES users, type text NOT NULL,
  amount numeric NOT NULL, balance_after numeric NOT NULL, description text, idempotency_key text UNIQUE, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE oauth_sessions(id uuid PRIMARY KEY DEFAULT gen_random_uuid(), device_code text, github_access_token text);
CREATE TABLE usage_logs(id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL REFERENCES users, key_id uuid NOT NULL REFERENCES provisioned_keys,
  model text NOT NULL, prompt_tokens integer NOT NULL, completion_tokens integer NOT NULL, total_tokens integer NOT NULL, cost numeric NOT NULL,
  upstream_status integer, created_at timestamptz NOT NULL DEFAULT now());
"""

PASSWORD = "OldSecret1"
PASSWORD_HASH = "$2b$10$abcdefghijklmnopqrstuudUV6amaFhQrcVYysAbOXyh5H8guJ3TO"
BOB, CAROL, ANN, DAVE, NOBODY = (f"{n}0000000-0000-4000-8000-000000000000" for n in (1, 2, 3, 4, 5))
BOB_MANAGES = "sk-mgmt-b0b00000-0000-4000-8000-000000000001"
BOB_MANAGED = "sk-mgmt-b0b00000-0000-4000-8000-000000000002"  # revoked
# Rotated: its hash is that of the value before.
BOB_SPENDS, BOB_HASH = "sk-prov-b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0", "0123456789abcdef"
BOB_SPENT, BOB_REVOKED_HASH = "sk-prov-b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1", "1123456789abcdef"
BOB_LIMITED, BOB_LIMITED_HASH = "sk-prov-b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "2123456789abcdef"
CAROL_SPENDS, CAROL_HASH = "sk-prov-c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0", "3123456789abcdef"
KEYS = [BOB_MANAGES, BOB_MANAGED, BOB_SPENDS, BOB_SPENT, BOB_LIMITED, CAROL_SPENDS]

# Bob: 30 paid in, 1.234567 spent; his books add up. Carol: below zero, a part of her log is gone and one row gave money.
# Ann is there already, "notanemail" is none, and Dave has nothing but a wish.
ROWS = f"""
INSERT INTO users(id, email, password_hash, plan, github_id, created_at) VALUES
  ('{BOB}', 'Bob@Example.com', '{PASSWORD_HASH}', 'pro', NULL, '2026-01-02 03:04:05.678+00'),
  ('{CAROL}', 'carol@example.com', NULL, 'free', 4242, '2026-01-03 00:00:00+00'),
  ('{ANN}', 'ann@example.com', '{PASSWORD_HASH}', 'free', NULL, '2026-01-04 00:00:00+00'),
  ('{DAVE}', 'dave@example.com', '{PASSWORD_HASH}', 'free', NULL, '2026-01-05 00:00:00+00'),
  ('{NOBODY}', 'notanemail', '{PASSWORD_HASH}', 'free', NULL, '2026-01-06 00:00:00+00');
INSERT INTO management_keys(user_id, key_value, is_revoked, created_at, revoked_at) VALUES
  ('{BOB}', '{BOB_MANAGED}', true, '2026-01-02', '2026-01-03'), ('{BOB}', '{BOB_MANAGES}', false, '2026-01-03', NULL);
INSERT INTO provisioned_keys(id, user_id, hash, key_value, name, credit_limit, limit_reset, usage, is_revoked, revoked_at, created_at) VALUES
  ('b0000000-0000-4000-8000-000000000000', '{BOB}', '{BOB_HASH}', '{BOB_SPENDS}', 'main', NULL, NULL, 0.234567, false, NULL, '2026-01-03'),
  ('b1000000-0000-4000-8000-000000000000', '{BOB}', '{BOB_REVOKED_HASH}', '{BOB_SPENT}', 'main', NULL, NULL, 0.9, true, '2026-02-01', '2026-01-02'),
  ('b2000000-0000-4000-8000-000000000000', '{BOB}', '{BOB_LIMITED_HASH}', '{BOB_LIMITED}', 'limited', 0.12, 'monthly', 0.1, false, NULL, '2026-01-04'),
  ('c0000000-0000-4000-8000-000000000000', '{CAROL}', '{CAROL_HASH}', '{CAROL_SPENDS}', 'main', -1, 'daily', 2, false, NULL, '2026-01-04');
INSERT INTO credit_balances(user_id, total_credits, total_usage, auto_topup_enabled, auto_topup_threshold) VALUES
  ('{BOB}', 30.000000, 1.234567, true, 7), ('{CAROL}', 5, 5.75, false, 5), ('{ANN}', 1000, 0, false, 5), ('{NOBODY}', 1000, 0, false, 5);
INSERT INTO credit_transactions(user_id, type, amount, balance_after, description, created_at) VALUES
  ('{BOB}', 'purchase', 10, 10, 'Credit purchase', '2026-01-03'), ('{BOB}', 'auto_topup', 25, 35, 'Auto top-up', '2026-01-10'),
  ('{BOB}', 'refund', -5, 30, NULL, '2026-03-01'), ('{CAROL}', 'purchase', 5, 5, 'Credit purchase', '2026-01-04');
INSERT INTO usage_logs(user_id, key_id, model, prompt_tokens, completion_tokens, total_tokens, cost, upstream_status, created_at) VALUES
  ('{BOB}', 'b0000000-0000-4000-8000-000000000000', 'gpt-4o', 100, 20, 120, 0.234567, 200, '2026-01-05 10:00+00'),
  ('{BOB}', 'b1000000-0000-4000-8000-000000000000', 'gpt-4o', 100, 20, 120, 0.5, 200, '2026-01-05 11:00+00'),
  ('{BOB}', 'b1000000-0000-4000-8000-000000000000', 'gpt-4o-mini', 10, 2, 12, 0.4, 200, '2026-01-12 11:00+00'),
  ('{BOB}', 'b1000000-0000-4000-8000-000000000000', 'gpt-4o', 0, 0, 0, 0, 500, '2026-01-12 12:00+00'),
  ('{BOB}', 'b2000000-0000-4000-8000-000000000000', 'gpt-4o', 7, 3, 10, 0.1, NULL, now()),
  ('{CAROL}', 'c0000000-0000-4000-8000-000000000000', 'gpt-4o', 7, 3, 10, 2, 200, '2026-01-07'),
  ('{CAROL}', 'c0000000-0000-4000-8000-000000000000', 'gpt-4o', 7, 3, 10, -0.25, 200, '2026-01-08');
"""


class ReferenceDatabase(PostgresServer):
    def __enter__(self):
        super().__enter__()
        self.sql("CREATE DATABASE old")
        self.old = self.address.rsplit("/", 1)[0] + "/old"
        self.sql(TABLES + ROWS, self.old)
        return self

    def sql(self, text: str, address: str | None = None) -> str:
        done = subprocess.run([find_program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", address or self.address],
                              input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
