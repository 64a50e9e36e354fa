#pragma once
// SPDX-License-Identifier: MIT

// The tables and functions of accounts in PostgreSQL. Internal: included by .ipp files and tests
// only.
//
// Money is in micro-dollars, times are milliseconds since the epoch, `number` is the order in which
// things were made. A digest is 64 hexadecimal digits; no column holds a key.
//
// Two functions do what requests wait for, each in one round trip. Both lock the accounts' rows
// first, in the order of their ids, as every other change of an account does.

#include <credpool/impl/store/postgres_session.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr const char* postgres_account_tables[] = {
    "CREATE TABLE credpool_account_server("
    " name text PRIMARY KEY, life text NOT NULL, expires_at timestamptz NOT NULL)",
    "CREATE TABLE credpool_account_batch("
    " server text PRIMARY KEY, last_batch text NOT NULL)",
    "CREATE TABLE credpool_account("
    " number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,"
    " id text PRIMARY KEY,"
    " email text NOT NULL UNIQUE,"
    " password_hash text NOT NULL,"
    " plan text NOT NULL,"
    " github_id bigint UNIQUE,"
    " avatar_url text NOT NULL,"
    " created_at bigint NOT NULL,"
    " credits bigint NOT NULL DEFAULT 0,"
    " usage bigint NOT NULL DEFAULT 0,"
    " reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),"
    " usage_entry bigint,"  // the newest transaction when it is of usage, and its day
    " usage_day text NOT NULL DEFAULT '',"
    " topup_enabled boolean NOT NULL DEFAULT false,"
    " topup_threshold bigint NOT NULL DEFAULT 5000000,"
    " topup_amount bigint NOT NULL DEFAULT 25000000,"
    " topup_updated_at bigint)",
    "CREATE TABLE credpool_account_management_key("
    " digest text PRIMARY KEY, account text NOT NULL, created_at bigint NOT NULL,"
    " revoked_at bigint)",
    "CREATE INDEX ON credpool_account_management_key(account)",
    "CREATE TABLE credpool_account_key("
    " number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,"
    " hash text PRIMARY KEY,"
    " digest text NOT NULL UNIQUE,"
    " account text NOT NULL,"
    " name text NOT NULL,"
    " credit_limit bigint,"
    " limit_reset text NOT NULL,"
    " usage bigint NOT NULL DEFAULT 0,"
    " period_usage bigint NOT NULL DEFAULT 0,"
    " period_start bigint NOT NULL DEFAULT 0,"
    " period_kind text NOT NULL,"
    " counted_from bigint NOT NULL DEFAULT 0,"
    " disabled boolean NOT NULL,"
    " created_at bigint NOT NULL,"
    " expires_at bigint,"
    " revoked_at bigint)",
    "CREATE INDEX ON credpool_account_key(account, number)",
    "CREATE UNIQUE INDEX ON credpool_account_key(account, name) WHERE revoked_at IS NULL",
    "CREATE TABLE credpool_account_transaction("
    " number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " id text NOT NULL,"
    " account text NOT NULL,"
    " type text NOT NULL,"
    " amount bigint NOT NULL,"
    " balance_after bigint NOT NULL,"
    " description text NOT NULL,"
    " created_at bigint NOT NULL,"
    " reference text UNIQUE)",
    "CREATE INDEX ON credpool_account_transaction(account, number)",
    "CREATE TABLE credpool_account_allowance("
    " key_hash text NOT NULL,"
    " server text NOT NULL,"
    " period_start bigint NOT NULL,"
    " account text NOT NULL,"
    " amount bigint NOT NULL CHECK (amount >= 0),"
    " last_id text NOT NULL,"
    " last_amount bigint NOT NULL,"
    " last_tight boolean NOT NULL,"
    " PRIMARY KEY (key_hash, server, period_start))",
    "CREATE INDEX ON credpool_account_allowance(server)",
    "CREATE TABLE credpool_account_usage("
    " number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " account text NOT NULL,"
    " key_hash text NOT NULL,"
    " request_id text NOT NULL,"
    " model text NOT NULL,"
    " input_tokens bigint NOT NULL,"
    " cached_input_tokens bigint NOT NULL,"
    " output_tokens bigint NOT NULL,"
    " reasoning_tokens bigint NOT NULL,"
    " estimated boolean NOT NULL,"
    " cost bigint NOT NULL,"
    " status bigint NOT NULL,"
    " at bigint NOT NULL)",
    "CREATE INDEX ON credpool_account_usage(account, number)",
    "CREATE INDEX ON credpool_account_usage(key_hash, number)",
    "CREATE INDEX ON credpool_account_usage(at)",
    "CREATE TABLE credpool_account_usage_day("
    " account text NOT NULL,"
    " key_hash text NOT NULL,"
    " day text COLLATE \"C\" NOT NULL,"
    " model text COLLATE \"C\" NOT NULL,"
    " requests bigint NOT NULL,"
    " input_tokens bigint NOT NULL,"
    " output_tokens bigint NOT NULL,"
    " cost bigint NOT NULL,"
    " PRIMARY KEY (account, key_hash, day, model))",
    "CREATE INDEX ON credpool_account_usage_day(account, day)",
    "CREATE TABLE credpool_account_answer("
    " account text NOT NULL,"
    " key text NOT NULL,"
    " request_digest text NOT NULL,"
    " status bigint NOT NULL DEFAULT 0,"
    " body text NOT NULL DEFAULT '',"
    " kept boolean NOT NULL DEFAULT false,"
    " at bigint NOT NULL,"
    " PRIMARY KEY (account, key))",
    "CREATE TABLE credpool_account_session("
    " device_digest text PRIMARY KEY,"
    " token_digest text NOT NULL,"
    " client_id text NOT NULL,"
    " account text NOT NULL,"
    " expires_at bigint NOT NULL,"
    " sealed text NOT NULL)",
    "CREATE INDEX ON credpool_account_session(token_digest) WHERE token_digest <> ''",
};

/// Says whether a server's life goes on. A life that was once registered and is gone has been taken
/// back: it must not spend.
inline constexpr const char* postgres_account_alive = R"sql(
CREATE FUNCTION credpool_account_alive(p_server text, p_life text, p_new boolean, p_ms bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE credpool_account_server SET expires_at = greatest(expires_at,
      clock_timestamp() + p_ms * interval '1 ms')
    WHERE name = p_server AND life = p_life;
  IF FOUND THEN RETURN true; END IF;
  IF NOT p_new THEN RETURN false; END IF;
  INSERT INTO credpool_account_server VALUES (p_server, p_life,
    clock_timestamp() + p_ms * interval '1 ms') ON CONFLICT DO NOTHING;
  RETURN FOUND;
END $$)sql";

/// The rules of impl/account/allowance.hpp. `p` is an array of requests.
inline constexpr const char* postgres_account_reserve = R"sql(
CREATE FUNCTION credpool_account_reserve(p_server text, p_life text, p_new boolean, p_ms bigint,
  p jsonb)
RETURNS TABLE(verdict text, hash text, account text, period_start bigint, kind text,
  expires_at bigint, amount bigint, tight boolean, available bigint, held bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  r jsonb; k credpool_account_key; a credpool_account; earlier credpool_account_allowance;
  start bigint; free bigint; part bigint; need bigint; want bigint; wish bigint;
BEGIN
  IF NOT credpool_account_alive(p_server, p_life, p_new, p_ms) THEN
    FOR r IN SELECT jsonb_array_elements(p) LOOP
      RETURN QUERY SELECT 'server', '', '', 0::bigint, '', NULL::bigint, 0::bigint, false, 0::bigint,
        0::bigint;
    END LOOP;
    RETURN;
  END IF;
  PERFORM 1 FROM credpool_account WHERE id IN (
      SELECT o.account FROM credpool_account_key o
      WHERE o.digest IN (SELECT x ->> 'digest' FROM jsonb_array_elements(p) x))
    ORDER BY id FOR UPDATE;
  FOR r IN SELECT jsonb_array_elements(p) LOOP
    verdict := 'ok'; hash := ''; account := ''; period_start := 0; kind := ''; expires_at := NULL;
    amount := 0; tight := false; available := 0; held := 0;
    need := (r ->> 'least')::bigint; want := (r ->> 'wanted')::bigint;
    wish := (r ->> 'most')::bigint;
    SELECT * INTO k FROM credpool_account_key o WHERE o.digest = r ->> 'digest';
    IF NOT FOUND THEN verdict := 'unknown'; RETURN NEXT; CONTINUE; END IF;
    SELECT * INTO a FROM credpool_account o WHERE o.id = k.account;
    IF NOT FOUND THEN verdict := 'unknown'; RETURN NEXT; CONTINUE; END IF;
    hash := k.hash; account := k.account; kind := k.limit_reset; expires_at := k.expires_at;
    verdict := CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.disabled THEN 'disabled'
      WHEN k.expires_at <= (r ->> 'now')::bigint THEN 'expired' ELSE 'ok' END;
    IF verdict <> 'ok' THEN RETURN NEXT; CONTINUE; END IF;
    SELECT * INTO earlier FROM credpool_account_allowance o
      WHERE o.key_hash = k.hash AND o.server = p_server AND o.last_id = r ->> 'id'
        AND o.last_id <> '';
    IF FOUND THEN
      period_start := earlier.period_start; amount := earlier.last_amount;
      tight := earlier.last_tight; RETURN NEXT; CONTINUE;
    END IF;

    start := (r -> k.limit_reset ->> 0)::bigint;
    IF k.period_kind <> k.limit_reset OR start > k.period_start THEN
      IF k.period_kind <> k.limit_reset THEN
        SELECT coalesce(sum(d.cost), 0) INTO k.period_usage FROM credpool_account_usage_day d
          WHERE d.account = k.account AND d.key_hash = k.hash
            AND d.day >= r -> k.limit_reset ->> 1;
        k.counted_from := least(k.counted_from, start);
      ELSE
        k.period_usage := 0; k.counted_from := start;
      END IF;
      k.period_start := start;
      UPDATE credpool_account_key o SET period_usage = k.period_usage,
        period_start = k.period_start, period_kind = k.limit_reset, counted_from = k.counted_from
        WHERE o.hash = k.hash;
    END IF;
    period_start := k.period_start;

    SELECT coalesce(sum(o.amount), 0) INTO held FROM credpool_account_allowance o
      WHERE o.key_hash = k.hash AND o.period_start >= k.counted_from;
    free := coalesce(k.credit_limit - k.period_usage - held, 1000000000000000000);
    IF free < need THEN
      verdict := 'limit'; available := free; RETURN NEXT; CONTINUE;
    END IF;
    IF a.credits - a.usage - a.reserved < need THEN
      verdict := 'balance'; available := a.credits - a.usage - a.reserved; held := a.reserved;
      RETURN NEXT; CONTINUE;
    END IF;
    free := least(free, a.credits - a.usage - a.reserved);
    -- 16: allowance_part
    part := free / 16;
    IF part >= wish THEN amount := wish;
    ELSIF part > want THEN amount := part;
    ELSE amount := least(greatest(need, want), free); tight := true;
    END IF;
    IF amount > 0 THEN
      UPDATE credpool_account o SET reserved = o.reserved + amount WHERE o.id = k.account;
      INSERT INTO credpool_account_allowance AS o VALUES (k.hash, p_server, k.period_start,
        k.account, amount, r ->> 'id', amount, tight)
        ON CONFLICT ON CONSTRAINT credpool_account_allowance_pkey DO UPDATE SET amount = o.amount + excluded.amount,
          last_id = excluded.last_id, last_amount = excluded.last_amount,
          last_tight = excluded.last_tight;
    END IF;
    RETURN NEXT;
  END LOOP;
END $$)sql";

/// Makes an array of settlements durable; false when that batch was made before.
inline constexpr const char* postgres_account_settle = R"sql(
CREATE FUNCTION credpool_account_settle(p_server text, p_batch text, p jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  g record; o record; entry bigint;
BEGIN
  IF p_batch <> '' THEN
    INSERT INTO credpool_account_batch AS b VALUES (p_server, p_batch)
      ON CONFLICT (server) DO UPDATE SET last_batch = excluded.last_batch
        WHERE b.last_batch <> excluded.last_batch;
    IF NOT FOUND THEN RETURN false; END IF;
  END IF;
  PERFORM 1 FROM credpool_account
    WHERE id IN (SELECT x ->> 'account' FROM jsonb_array_elements(p) x) ORDER BY id FOR UPDATE;

  WITH back AS (
    SELECT x.key_hash, x.period_start, sum(x.spent + x.returned)::bigint AS amount
    FROM jsonb_to_recordset(p) AS x(key_hash text, period_start bigint, spent bigint,
      returned bigint) GROUP BY 1, 2
  ), taken AS (
    SELECT l.key_hash, l.period_start, least(l.amount, back.amount) AS amount
    FROM credpool_account_allowance l JOIN back USING (key_hash, period_start)
    WHERE l.server = p_server
  ), less AS (
    UPDATE credpool_account_allowance l SET amount = l.amount - taken.amount FROM taken
    WHERE l.server = p_server AND l.key_hash = taken.key_hash
      AND l.period_start = taken.period_start RETURNING l.account, taken.amount
  )
  UPDATE credpool_account a SET reserved = a.reserved - t.amount
    FROM (SELECT account, sum(amount)::bigint AS amount FROM less GROUP BY 1) t
    WHERE a.id = t.account;
  DELETE FROM credpool_account_allowance l WHERE l.server = p_server AND l.amount = 0
    AND l.key_hash IN (SELECT x ->> 'key_hash' FROM jsonb_array_elements(p) x);

  FOR g IN SELECT x.account, x.day, sum(x.spent)::bigint AS spent, min(x.at) AS at
      FROM jsonb_to_recordset(p) AS x(account text, day text, spent bigint, at bigint)
      WHERE x.spent > 0 GROUP BY 1, 2 ORDER BY 1, 2 LOOP
    UPDATE credpool_account a SET usage = a.usage + g.spent WHERE a.id = g.account
      RETURNING a.credits - a.usage AS remaining,
        CASE WHEN a.usage_day = g.day THEN a.usage_entry END AS entry INTO o;
    CONTINUE WHEN NOT FOUND;
    IF o.entry IS NOT NULL THEN
      UPDATE credpool_account_transaction t SET amount = t.amount - g.spent,
        balance_after = o.remaining WHERE t.number = o.entry;
    ELSE
      INSERT INTO credpool_account_transaction(id, account, type, amount, balance_after,
          description, created_at)
        VALUES (gen_random_uuid()::text, g.account, 'usage', -g.spent, o.remaining,
          'Usage on ' || g.day, g.at) RETURNING number INTO entry;
      UPDATE credpool_account a SET usage_entry = entry, usage_day = g.day WHERE a.id = g.account;
    END IF;
  END LOOP;

  UPDATE credpool_account_key k SET usage = k.usage + t.spent,
      period_usage = k.period_usage + t.counted
    FROM (SELECT x.key_hash, sum(x.spent)::bigint AS spent,
        coalesce(sum(x.spent) FILTER (WHERE x.period_start >= l.counted_from), 0)::bigint AS counted
      FROM jsonb_to_recordset(p) AS x(key_hash text, account text, period_start bigint,
        spent bigint)
      JOIN credpool_account_key l ON l.hash = x.key_hash AND l.account = x.account
      WHERE x.spent > 0 GROUP BY 1) t
    WHERE k.hash = t.key_hash;

  INSERT INTO credpool_account_usage_day AS d
    SELECT coalesce(a.id, ''), x.key_hash, x.day, x.model, count(*), sum(x.input_tokens)::bigint,
      sum(x.output_tokens)::bigint, sum(x.spent)::bigint
    FROM jsonb_to_recordset(p) AS x(account text, key_hash text, day text, model text,
      input_tokens bigint, output_tokens bigint, spent bigint)
    LEFT JOIN credpool_account a ON a.id = x.account
    WHERE x.model IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (account, key_hash, day, model) DO UPDATE SET
      requests = d.requests + excluded.requests,
      input_tokens = d.input_tokens + excluded.input_tokens,
      output_tokens = d.output_tokens + excluded.output_tokens, cost = d.cost + excluded.cost;
  INSERT INTO credpool_account_usage(account, key_hash, request_id, model, input_tokens,
      cached_input_tokens, output_tokens, reasoning_tokens, estimated, cost, status, at)
    SELECT coalesce(a.id, ''), x.value ->> 'key_hash', x.value ->> 'request_id',
      x.value ->> 'model', (x.value ->> 'input_tokens')::bigint,
      (x.value ->> 'cached_input_tokens')::bigint, (x.value ->> 'output_tokens')::bigint,
      (x.value ->> 'reasoning_tokens')::bigint, (x.value ->> 'estimated')::boolean,
      (x.value ->> 'spent')::bigint, (x.value ->> 'status')::bigint, (x.value ->> 'at')::bigint
    FROM jsonb_array_elements(p) WITH ORDINALITY AS x(value, place)
    LEFT JOIN credpool_account a ON a.id = x.value ->> 'account'
    WHERE x.value ? 'model' ORDER BY x.place;
  RETURN true;
END $$)sql";

/// Takes back what servers held: of that name, which that life has from then on, or (empty) of
/// those whose time is over.
inline constexpr const char* postgres_account_reclaim = R"sql(
CREATE FUNCTION credpool_account_reclaim(p_server text, p_life text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  gone text[];
BEGIN
  SELECT coalesce(array_agg(s.name), '{}') INTO gone FROM (
    SELECT name FROM credpool_account_server
    WHERE CASE WHEN p_server = '' THEN expires_at <= clock_timestamp() ELSE name = p_server END
    FOR UPDATE SKIP LOCKED) s;
  IF p_server <> '' THEN gone := ARRAY[p_server]; END IF;
  PERFORM 1 FROM credpool_account WHERE id IN (
    SELECT l.account FROM credpool_account_allowance l WHERE l.server = ANY(gone))
    ORDER BY id FOR UPDATE;
  WITH back AS (
    DELETE FROM credpool_account_allowance l WHERE l.server = ANY(gone)
    RETURNING l.account, l.amount
  )
  UPDATE credpool_account a SET reserved = a.reserved - t.amount
    FROM (SELECT account, sum(amount)::bigint AS amount FROM back GROUP BY 1) t
    WHERE a.id = t.account;
  DELETE FROM credpool_account_server WHERE name = ANY(gone);
  IF p_server <> '' THEN
    INSERT INTO credpool_account_server
      VALUES (p_server, p_life, clock_timestamp() + interval '1 minute');
  END IF;
END $$)sql";

/// migration n leads from version n to n + 1. Never change one that was released: add another.
inline PostgresSchema postgres_account_schema() {
  PostgresMigration first;
  first.statements.assign(std::begin(postgres_account_tables), std::end(postgres_account_tables));
  for (const char* function : {postgres_account_alive, postgres_account_reserve,
                               postgres_account_settle, postgres_account_reclaim})
    first.statements.push_back(function);
  return {"preparing the tables of the accounts", "credpool_account_schema", {std::move(first)}};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
