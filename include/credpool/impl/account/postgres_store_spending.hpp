#pragma once
// SPDX-License-Identifier: MIT

// The part of PostgresAccountStore that requests come through: spending, usage, answers, device
// logins. Internal: included by its .ipp file only.

#include <credpool/impl/account/postgres_store_state.hpp>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline Json pg_json(const AllowanceRequest& request) {
  Json json{{"digest", pg_value(request.key_digest)},
            {"least", request.least.micros},
            {"wanted", request.wanted.micros},
            {"most", request.most.micros},
            {"now", request.now.time_since_epoch().count()},
            {"id", pg_value(request.id)}};
  for (const auto reset :
       {LimitReset::never, LimitReset::daily, LimitReset::weekly, LimitReset::monthly}) {
    const auto period = request.period(reset);
    json[std::string{to_string(reset)}] =
        Json::array({period.start.time_since_epoch().count(), period.first_day});
  }
  return json;
}

inline Json pg_json(const Settlement& settlement) {
  const auto count = [](std::uint64_t number) {
    return static_cast<std::int64_t>(
        std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max()));
  };
  Json json{{"key_hash", pg_value(settlement.key_hash)},
            {"account", pg_value(settlement.account)},
            {"period_start", settlement.period_start.time_since_epoch().count()},
            {"spent", settlement.spent.micros},
            {"returned", settlement.returned.micros}};
  if (!settlement.usage) return json;
  const auto& usage = *settlement.usage;
  json["day"] = pg_value(settlement.day);
  json["request_id"] = pg_value(usage.request_id);
  json["model"] = pg_value(usage.model);
  json["input_tokens"] = count(usage.input_tokens);
  json["cached_input_tokens"] = count(usage.cached_input_tokens);
  json["output_tokens"] = count(usage.output_tokens);
  json["reasoning_tokens"] = count(usage.reasoning_tokens);
  json["estimated"] = usage.estimated;
  json["status"] = usage.status;
  json["at"] = usage.at.time_since_epoch().count();
  return json;
}

template <class Records> std::string pg_json_array(const Records& records) {
  auto array = Json::array();
  for (const auto& record : records) array.push_back(pg_json(record));
  return dump_json(array);
}

/// A row of credpool_account_reserve().
inline Result<Allowance> pg_allowance(const PostgresRow& row, const AllowanceRequest& request) {
  const auto verdict = row.bytes(0);
  if (verdict == "unknown") return key_refusal(Errc::unauthorized, key_unknown_hint);
  if (verdict == "revoked") return key_refusal(Errc::unauthorized, key_revoked_hint);
  if (verdict == "disabled") return key_refusal(Errc::forbidden, key_disabled_hint);
  if (verdict == "expired") return key_refusal(Errc::forbidden, key_expired_hint);
  const auto left = row_money(row, 8), held = row_money(row, 9);
  if (verdict == "limit") return limit_refusal(request, left, held);
  if (verdict == "balance") return balance_refusal(request, left, held);
  ProvisionedKey key;
  key.hash = row.bytes(1);
  key.account = row.bytes(2);
  key.period_start = row.time(3);
  key.expires_at = row_maybe_time(row, 5);
  const auto reset = limit_reset_of(row.bytes(4)).value_or(LimitReset::never);
  return allowance_of(key, request.period(reset), {row_money(row, 6), row.flag(7)});
}

inline StoredAnswer pg_answer(const PostgresRow& row) {
  return {row.bytes(0), static_cast<int>(row.integer(1)), row.bytes(2)};
}

/// What was sealed stands there as hexadecimal digits.
inline DeviceSession pg_session(const PostgresRow& row) {
  auto session = row_session(row);
  session.sealed = decode_hex(session.sealed).value_or(std::string{});
  return session;
}

}  // namespace detail

// --- spending

CREDPOOL_INLINE Result<Allowance> PostgresAccountStore::reserve(const AllowanceRequest& request) {
  return std::move(reserve_all({&request, 1}).front());
}

CREDPOOL_INLINE std::vector<Result<Allowance>> PostgresAccountStore::reserve_all(
    std::span<const AllowanceRequest> requests) {
  const char* doing = "holding credits for a request";
  std::vector<Result<Allowance>> allowances;
  if (requests.empty()) return allowances;
  const auto life = requests.front().expires_at - requests.front().now;
  const auto text = detail::pg_json_array(requests);
  const auto done =
      state_->spending.with_connection([&](detail::PostgresConnection& c) -> Result<void> {
        auto rows =
            c.run(doing, "SELECT * FROM credpool_account_reserve($1, $2, $3, $4, $5::jsonb)",
                  detail::pg_values(state_->place.server, state_->life, !state_->registered.load(),
                                    life.count(), text));
        if (!rows) return fail(rows.error());
        if (static_cast<std::size_t>(rows->size()) != requests.size())
          return fail(Errc::malformed, doing, c.place(), "the database's functions are not ours");
        if (rows->text(0) == "server") return fail(state_->not_alive(c, doing));
        state_->registered = true;
        for (int row = 0; row < rows->size(); ++row)
          allowances.push_back(
              detail::pg_allowance({*rows, row}, requests[static_cast<std::size_t>(row)]));
        return {};
      });
  if (!done) allowances.assign(requests.size(), Result<Allowance>{Unexpected{done.error()}});
  return allowances;
}

CREDPOOL_INLINE Result<void> PostgresAccountStore::settle(std::span<const Settlement> settlements,
                                                          std::string_view batch) {
  if (auto fit = detail::check_settlements(settlements); !fit) return fit;
  const auto text = detail::pg_json_array(settlements);
  const auto values = detail::pg_values(state_->place.server, batch, std::string_view{text});
  const char* doing = "settling requests";
  return state_->spending.with_connection([&](detail::PostgresConnection& c) -> Result<void> {
    auto done =
        detail::pg_run(c, doing, "SELECT credpool_account_settle($1, $2, $3::jsonb)", values);
    // Without a name it would count twice if it were sent again.
    if (!done && c.lost() && batch.empty())
      return fail(Errc::outcome_unknown, doing, c.place(), "the connection broke");
    return done;
  });
}

CREDPOOL_INLINE Result<void> PostgresAccountStore::extend(TimePoint now, TimePoint until) {
  const char* doing = "saying that this server is alive";
  return state_->spending.with_connection([&](detail::PostgresConnection& c) -> Result<void> {
    auto rows = c.run(doing, "SELECT credpool_account_alive($1, $2, $3, $4)",
                      detail::pg_values(state_->place.server, state_->life,
                                        !state_->registered.load(), (until - now).count()));
    if (!rows) return fail(rows.error());
    if (!rows->flag(0)) return fail(state_->not_alive(c, doing));
    state_->registered = true;
    return {};
  });
}

CREDPOOL_INLINE Result<void> PostgresAccountStore::reclaim(TimePoint, bool own) {
  const auto name = own ? state_->place.server : std::string{};
  return state_->spending.with_connection([&](detail::PostgresConnection& c) {
    auto done = detail::pg_run(c, "taking back what servers held",
                               "SELECT credpool_account_reclaim($1, $2)",
                               detail::pg_values(name, state_->life));
    if (done && own) state_->registered = true;
    return done;
  });
}

// --- usage

CREDPOOL_INLINE Result<std::vector<UsageDay>> PostgresAccountStore::usage(const AccountId& account,
                                                                          std::string_view key_hash,
                                                                          std::string_view first,
                                                                          std::string_view last) {
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_all(c, "reading usage",
                          "SELECT key_hash, model, day, requests, input_tokens, output_tokens, "
                          "cost FROM credpool_account_usage_day WHERE account = $1 "
                          "AND ($2 = '' OR key_hash = $2) AND day >= $3 AND day <= $4 "
                          "ORDER BY day, key_hash, model",
                          detail::pg_values(account, key_hash, first, last),
                          detail::row_day<detail::PostgresRow>);
  });
}

CREDPOOL_INLINE Result<Page<UsageRow>> PostgresAccountStore::usage_rows(const AccountId& account,
                                                                        std::string_view key_hash,
                                                                        PageRequest page) {
  static constexpr auto sql = detail::sql_text(
      "SELECT ", detail::account_usage_columns,
      " FROM credpool_account_usage WHERE account = $1 AND ($2 = '' OR key_hash = $2) "
      "ORDER BY number DESC LIMIT $3 OFFSET $4");
  return state_->read([&](detail::PostgresConnection& c) {
    const char* doing = "reading usage";
    return detail::pg_page(
        detail::pg_all(c, doing, sql.data(),
                       detail::pg_values(account, key_hash, page.limit, page.offset),
                       detail::row_usage<detail::PostgresRow>),
        detail::pg_one(c, doing,
                       "SELECT count(*) FROM credpool_account_usage WHERE account = $1 "
                       "AND ($2 = '' OR key_hash = $2)",
                       detail::pg_values(account, key_hash),
                       detail::row_first_integer<detail::PostgresRow>));
  });
}

CREDPOOL_INLINE Result<std::uint64_t> PostgresAccountStore::prune_usage(TimePoint before,
                                                                        std::uint64_t most) {
  return state_->read([&](detail::PostgresConnection& c) -> Result<std::uint64_t> {
    // Several servers do this at the same time: each takes rows that no other one has.
    auto rows = c.run("forgetting old usage",
                      "WITH old AS (SELECT number FROM credpool_account_usage WHERE at < $1 "
                      "ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED), "
                      "gone AS (DELETE FROM credpool_account_usage WHERE number IN "
                      "(SELECT number FROM old) RETURNING 1) SELECT count(*) FROM gone",
                      detail::pg_values(before, most));
    if (!rows) return fail(rows.error());
    return static_cast<std::uint64_t>(rows->integer(0));
  });
}

// --- answers that may be asked for twice

CREDPOOL_INLINE Result<std::optional<StoredAnswer>> PostgresAccountStore::claim_answer(
    const AccountId& account, std::string_view key, std::string_view request_digest,
    TimePoint now) {
  using Answer = std::optional<StoredAnswer>;
  return state_->write([&](detail::PostgresConnection& c) -> Result<Answer> {
    const char* doing = "claiming an idempotency key";
    const auto added = detail::pg_any(
        c, doing,
        "INSERT INTO credpool_account_answer AS a(account, key, request_digest, at) "
        "VALUES ($1, $2, $3, $4) ON CONFLICT (account, key) DO UPDATE SET at = excluded.at "
        "WHERE NOT a.kept AND a.request_digest = excluded.request_digest "
        "AND excluded.at - a.at >= $5 RETURNING 1",
        detail::pg_values(account, key, request_digest, now, answer_claim_life.count()));
    if (!added) return fail(added.error());
    if (*added) return Answer{};
    auto rows = c.run(doing,
                      "SELECT request_digest, status, body, kept FROM credpool_account_answer "
                      "WHERE account = $1 AND key = $2",
                      detail::pg_values(account, key));
    if (!rows) return fail(rows.error());
    if (rows->empty()) return detail::answer_pending();  // it was dropped at this moment
    if (rows->text(0) != request_digest) return detail::answer_differs();
    if (!rows->flag(3)) return detail::answer_pending();
    return Answer{detail::pg_answer({*rows, 0})};
  });
}

CREDPOOL_INLINE Result<void> PostgresAccountStore::keep_answer(const AccountId& account,
                                                               std::string_view key,
                                                               const StoredAnswer& answer) {
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_changed(
        c, "keeping an answer",
        "UPDATE credpool_account_answer SET request_digest = $3, "
        "status = $4, body = $5, kept = true WHERE account = $1 AND key = $2 "
        "RETURNING 1",
        detail::pg_values(account, key, answer.request_digest, answer.status, answer.body),
        detail::no_claim());
  });
}

CREDPOOL_INLINE Result<void> PostgresAccountStore::drop_answer(const AccountId& account,
                                                               std::string_view key) {
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_run(
        c, "giving up an idempotency key",
        "DELETE FROM credpool_account_answer WHERE account = $1 AND key = $2 AND NOT kept",
        detail::pg_values(account, key));
  });
}

// --- device logins

CREDPOOL_INLINE Result<void> PostgresAccountStore::put_device_session(
    const DeviceSession& session) {
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_run(
        c, "keeping a device login",
        "INSERT INTO credpool_account_session VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (device_digest) DO UPDATE SET token_digest = excluded.token_digest, "
        "client_id = excluded.client_id, account = excluded.account, "
        "expires_at = excluded.expires_at, sealed = excluded.sealed",
        detail::pg_values(session.device_digest, session.token_digest, session.client_id,
                          session.account, session.expires_at, to_hex(session.sealed)));
  });
}

CREDPOOL_INLINE Result<std::optional<DeviceSession>> PostgresAccountStore::device_session(
    std::string_view device_digest) {
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_one(c, "reading a device login",
                          "SELECT device_digest, token_digest, client_id, account, expires_at, "
                          "sealed FROM credpool_account_session WHERE device_digest = $1",
                          detail::pg_values(device_digest), detail::pg_session);
  });
}

CREDPOOL_INLINE Result<std::optional<DeviceSession>> PostgresAccountStore::device_session_by_token(
    std::string_view token_digest) {
  return state_->read([&](detail::PostgresConnection& c) {
    return detail::pg_one(c, "reading a device login",
                          "SELECT device_digest, token_digest, client_id, account, expires_at, "
                          "sealed FROM credpool_account_session WHERE token_digest = $1 "
                          "AND token_digest <> ''",
                          detail::pg_values(token_digest), detail::pg_session);
  });
}

CREDPOOL_INLINE Result<void> PostgresAccountStore::forget_ended(TimePoint sessions_before,
                                                                TimePoint answers_before) {
  return state_->read([&](detail::PostgresConnection& c) -> Result<void> {
    const char* doing = "forgetting what has ended";
    if (auto done =
            detail::pg_run(c, doing, "DELETE FROM credpool_account_session WHERE expires_at < $1",
                           detail::pg_values(sessions_before));
        !done)
      return done;
    return detail::pg_run(c, doing, "DELETE FROM credpool_account_answer WHERE at < $1",
                          detail::pg_values(answers_before));
  });
}

}  // namespace credpool::inline CREDPOOL_ABI
