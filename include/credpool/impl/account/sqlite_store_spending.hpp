#pragma once
// SPDX-License-Identifier: MIT

// The part of SqliteAccountStore that requests come through: spending, usage, answers, device
// logins. Internal: included by its .ipp file only.

#include <credpool/impl/account/sqlite_store_state.hpp>

namespace credpool::inline CREDPOOL_ABI {

// --- spending

CREDPOOL_INLINE Result<Allowance> SqliteAccountStore::reserve(const AllowanceRequest& request) {
  return state_->spend([&](auto& accounts) { return detail::sqlite_reserve(accounts, request); });
}

CREDPOOL_INLINE std::vector<Result<Allowance>> SqliteAccountStore::reserve_all(
    std::span<const AllowanceRequest> requests) {
  std::vector<Result<Allowance>> allowances;
  auto done = state_->spend([&](detail::SqliteAccounts& accounts) -> Result<void> {
    for (const auto& request : requests) {
      allowances.push_back(detail::sqlite_reserve(accounts, request));
      // A refusal has changed nothing that is wrong; after anything else nothing is kept.
      const auto& allowance = allowances.back();
      if (!allowance && !detail::is_refusal(allowance.error())) return fail(allowance.error());
    }
    return {};
  });
  if (!done) allowances.assign(requests.size(), Result<Allowance>{Unexpected{done.error()}});
  return allowances;
}

CREDPOOL_INLINE Result<void> SqliteAccountStore::settle(std::span<const Settlement> settlements,
                                                        std::string_view batch) {
  if (auto fit = detail::check_settlements(settlements); !fit) return fit;
  return state_->settle(settlements, batch);
}

CREDPOOL_INLINE Result<void> SqliteAccountStore::extend(TimePoint, TimePoint) {
  {
    const std::lock_guard lock{state_->write_mutex};
    if (auto first = state_->be_the_server(); !first) return first;
  }
  // Asked for again and again: what settled last does not wait for long to be booked.
  return state_->read([](auto&) { return Result<void>{}; });
}

CREDPOOL_INLINE Result<void> SqliteAccountStore::reclaim(TimePoint, bool own) {
  // Another server's allowances cannot be there: only one spends.
  if (!own) return {};
  return state_->spend([&](detail::SqliteAccounts& accounts) -> Result<void> {
    const char* doing = "taking back what an earlier server held";
    if (auto booked = detail::sqlite_book(accounts); !booked) return fail(booked.error());
    if (auto done = accounts.run(doing, "DELETE FROM allowance"); !done) return done;
    return accounts.run(doing, "UPDATE account SET reserved = 0 WHERE reserved <> 0");
  });
}

// --- usage

CREDPOOL_INLINE Result<std::vector<UsageDay>> SqliteAccountStore::usage(const AccountId& account,
                                                                        std::string_view key_hash,
                                                                        std::string_view first,
                                                                        std::string_view last) {
  return state_->read([&](auto& accounts) {
    const char* doing = "reading usage";
    return key_hash.empty()
               ? accounts.all(doing,
                              "SELECT key_hash, model, day, requests, input_tokens, output_tokens, "
                              "cost FROM usage_day WHERE account = ? AND day >= ? AND day <= ? "
                              "ORDER BY day, key_hash, model",
                              detail::row_day<detail::SqliteStatement>, account, first, last)
               : accounts.all(doing,
                              "SELECT key_hash, model, day, requests, input_tokens, output_tokens, "
                              "cost FROM usage_day WHERE account = ? AND key_hash = ? AND day >= ? "
                              "AND day <= ? ORDER BY day, model",
                              detail::row_day<detail::SqliteStatement>, account, key_hash, first,
                              last);
  });
}

CREDPOOL_INLINE Result<Page<UsageRow>> SqliteAccountStore::usage_rows(const AccountId& account,
                                                                      std::string_view key_hash,
                                                                      PageRequest page) {
  static constexpr char columns[] =
      "?1, usage_key.hash, request_id, model, input_tokens, cached_input_tokens, output_tokens, "
      "reasoning_tokens, estimated, cost, status, at";
  // Usage without a name has the number 0.
  static constexpr char of_whom[] =
      "account = iif(?1 = '', 0, (SELECT number FROM account WHERE id = ?1))";
  static constexpr char key_is[] = " AND key = (SELECT number FROM usage_key WHERE hash = ?2)";
  static constexpr auto of_account =
      detail::sql_text("SELECT ", columns, " FROM usage_row INDEXED BY usage_row_account ",
                       "JOIN usage_key ON usage_key.number = key WHERE ", of_whom,
                       " ORDER BY usage_row.number DESC LIMIT ?2 OFFSET ?3");
  static constexpr auto of_key =
      detail::sql_text("SELECT ", columns, " FROM usage_row INDEXED BY usage_row_key ",
                       "JOIN usage_key ON usage_key.number = key WHERE ", of_whom, key_is,
                       " ORDER BY usage_row.number DESC LIMIT ?3 OFFSET ?4");
  static constexpr auto count_of_account =
      detail::sql_text("SELECT count(*) FROM usage_row WHERE ", of_whom);
  static constexpr auto count_of_key = detail::sql_text(
      "SELECT count(*) FROM usage_row INDEXED BY usage_row_key WHERE ", of_whom, key_is);
  return state_->read([&](auto& accounts) {
    const char* doing = "reading usage";
    const auto count = detail::row_first_integer<detail::SqliteStatement>;
    const auto row = detail::row_usage<detail::SqliteStatement>;
    return key_hash.empty()
               ? detail::sqlite_page(
                     accounts.all(doing, of_account.data(), row, account, page.limit, page.offset),
                     accounts.one(doing, count_of_account.data(), count, account))
               : detail::sqlite_page(
                     accounts.all(doing, of_key.data(), row, account, key_hash, page.limit,
                                  page.offset),
                     accounts.one(doing, count_of_key.data(), count, account, key_hash));
  });
}

CREDPOOL_INLINE Result<std::uint64_t> SqliteAccountStore::prune_usage(TimePoint before,
                                                                      std::uint64_t most) {
  return state_->write([&](detail::SqliteAccounts& accounts) -> Result<std::uint64_t> {
    if (auto deleted = accounts.run("forgetting old usage",
                                    "DELETE FROM usage_row WHERE number IN (SELECT number "
                                    "FROM usage_row WHERE at < ? ORDER BY at LIMIT ?)",
                                    before, most);
        !deleted)
      return fail(deleted.error());
    return static_cast<std::uint64_t>(accounts.database().changes());
  });
}

// --- answers that may be asked for twice

CREDPOOL_INLINE Result<std::optional<StoredAnswer>> SqliteAccountStore::claim_answer(
    const AccountId& account, std::string_view key, std::string_view request_digest,
    TimePoint now) {
  using Answer = std::optional<StoredAnswer>;
  return state_->write([&](detail::SqliteAccounts& accounts) -> Result<Answer> {
    const char* doing = "claiming an idempotency key";
    Answer found;
    bool kept = false;
    TimePoint at{};
    if (auto done = accounts.each(
            doing,
            "SELECT request_digest, status, body, kept, at FROM answer WHERE account = ? AND key = "
            "?",
            [&](const detail::SqliteStatement& row) {
              found = StoredAnswer{detail::row_text(row, 0), static_cast<int>(row.integer(1)),
                                   detail::row_text(row, 2)};
              kept = row.flag(3);
              at = row.time(4);
            },
            account, key);
        !done)
      return fail(done.error());
    if (found) {
      if (found->request_digest != request_digest) return detail::answer_differs();
      if (kept) return found;
      if (now - at < answer_claim_life) return detail::answer_pending();
    }
    if (auto done = accounts.run(doing,
                                 "INSERT INTO answer(account, key, request_digest, at) VALUES "
                                 "(?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at",
                                 account, key, request_digest, now);
        !done)
      return fail(done.error());
    return Answer{};
  });
}

CREDPOOL_INLINE Result<void> SqliteAccountStore::keep_answer(const AccountId& account,
                                                             std::string_view key,
                                                             const StoredAnswer& answer) {
  return state_->write([&](detail::SqliteAccounts& accounts) {
    return detail::sqlite_changed(
        accounts,
        accounts.run("keeping an answer",
                     "UPDATE answer SET request_digest = ?, status = ?, body = ?, kept = 1 "
                     "WHERE account = ? AND key = ?",
                     answer.request_digest, answer.status, answer.body, account, key),
        detail::no_claim());
  });
}

CREDPOOL_INLINE Result<void> SqliteAccountStore::drop_answer(const AccountId& account,
                                                             std::string_view key) {
  return state_->write([&](detail::SqliteAccounts& accounts) {
    return accounts.run("giving up an idempotency key",
                        "DELETE FROM answer WHERE account = ? AND key = ? AND NOT kept", account,
                        key);
  });
}

// --- device logins

CREDPOOL_INLINE Result<void> SqliteAccountStore::put_device_session(const DeviceSession& session) {
  return state_->write([&](detail::SqliteAccounts& accounts) {
    return accounts.run("keeping a device login",
                        "REPLACE INTO device_session(device_digest, token_digest, client_id, "
                        "account, expires_at, sealed) VALUES (?, ?, ?, ?, ?, ?)",
                        session.device_digest, session.token_digest, session.client_id,
                        session.account, session.expires_at, detail::SqliteBlob{session.sealed});
  });
}

CREDPOOL_INLINE Result<std::optional<DeviceSession>> SqliteAccountStore::device_session(
    std::string_view device_digest) {
  return state_->look_up([&](auto& accounts) {
    return accounts.one("reading a device login",
                        "SELECT device_digest, token_digest, client_id, account, expires_at, "
                        "sealed FROM device_session WHERE device_digest = ?",
                        detail::row_session<detail::SqliteStatement>, device_digest);
  });
}

CREDPOOL_INLINE Result<std::optional<DeviceSession>> SqliteAccountStore::device_session_by_token(
    std::string_view token_digest) {
  return state_->look_up([&](auto& accounts) {
    return accounts.one("reading a device login",
                        "SELECT device_digest, token_digest, client_id, account, expires_at, "
                        "sealed FROM device_session WHERE token_digest = ? AND token_digest <> ''",
                        detail::row_session<detail::SqliteStatement>, token_digest);
  });
}

CREDPOOL_INLINE Result<void> SqliteAccountStore::forget_ended(TimePoint sessions_before,
                                                              TimePoint answers_before) {
  return state_->write([&](detail::SqliteAccounts& accounts) -> Result<void> {
    const char* doing = "forgetting what has ended";
    if (auto done =
            accounts.run(doing, "DELETE FROM device_session WHERE expires_at < ?", sessions_before);
        !done)
      return done;
    return accounts.run(doing, "DELETE FROM answer WHERE at < ?", answers_before);
  });
}

}  // namespace credpool::inline CREDPOOL_ABI
