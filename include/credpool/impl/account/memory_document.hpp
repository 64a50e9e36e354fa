#pragma once
// SPDX-License-Identifier: MIT

// A MemoryAccountStore as JSON text. Internal: included by .ipp files only.
//
// Money is in micro-dollars, times are milliseconds since the epoch; what is not there is null.

#include <credpool/impl/account/memory_world.hpp>
#include <credpool/impl/core/json.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr int memory_document_version = 1;

// --- writing

inline Json memory_json(Money amount) {
  return amount.micros;
}
inline Json memory_json(TimePoint time) {
  return time.time_since_epoch().count();
}
inline Json memory_json(std::int64_t number) {
  return number;
}
template <class T> Json memory_json(const std::optional<T>& value) {
  return value ? memory_json(*value) : Json{};
}

inline Json memory_json(const Account& account) {
  return {{"id", account.id},
          {"email", account.email},
          {"password_hash", account.password_hash},
          {"plan", account.plan},
          {"github_id", memory_json(account.github_id)},
          {"avatar_url", account.avatar_url},
          {"created_at", memory_json(account.created_at)}};
}

inline Json memory_json(const CreditTransaction& transaction) {
  return {{"id", transaction.id},
          {"type", to_string(transaction.type)},
          {"amount", memory_json(transaction.amount)},
          {"balance_after", memory_json(transaction.balance_after)},
          {"description", transaction.description},
          {"created_at", memory_json(transaction.created_at)}};
}

inline Json memory_json(const MemoryAccount& entry) {
  auto transactions = Json::array();
  for (const auto& transaction : entry.transactions)
    transactions.push_back(memory_json(transaction));
  return {{"account", memory_json(entry.account)},
          {"credits", memory_json(entry.balance.credits)},
          {"usage", memory_json(entry.balance.usage)},
          {"topup_enabled", entry.topup.enabled},
          {"topup_threshold", memory_json(entry.topup.threshold)},
          {"topup_amount", memory_json(entry.topup.amount)},
          {"topup_updated_at", memory_json(entry.topup.updated_at)},
          {"transactions", std::move(transactions)},
          {"usage_day", entry.usage_day},
          {"number", entry.number}};
}

inline Json memory_json(const ManagementKey& key) {
  return {{"digest", key.digest},
          {"account", key.account},
          {"created_at", memory_json(key.created_at)},
          {"revoked_at", memory_json(key.revoked_at)}};
}

inline Json memory_json(const MemoryKey& entry) {
  const auto& key = entry.key;
  return {{"hash", key.hash},
          {"digest", key.digest},
          {"account", key.account},
          {"name", key.name},
          {"credit_limit", memory_json(key.credit_limit)},
          {"limit_reset", to_string(key.limit_reset)},
          {"usage", memory_json(key.usage)},
          {"period_usage", memory_json(key.period_usage)},
          {"period_start", memory_json(key.period_start)},
          {"period_kind", to_string(entry.period.kind)},
          {"counted_from", memory_json(entry.period.counted_from)},
          {"disabled", key.disabled},
          {"created_at", memory_json(key.created_at)},
          {"expires_at", memory_json(key.expires_at)},
          {"revoked_at", memory_json(key.revoked_at)},
          {"number", entry.number}};
}

inline Json memory_json(const UsageRow& row) {
  return {{"request_id", row.request_id},
          {"key_hash", row.key_hash},
          {"account", row.account},
          {"model", row.model},
          {"input_tokens", row.input_tokens},
          {"cached_input_tokens", row.cached_input_tokens},
          {"output_tokens", row.output_tokens},
          {"reasoning_tokens", row.reasoning_tokens},
          {"estimated", row.estimated},
          {"cost", memory_json(row.cost)},
          {"status", row.status},
          {"at", memory_json(row.at)}};
}

inline Json memory_json(const AccountId& account, const UsageDay& day) {
  return {{"account", account},
          {"key_hash", day.key_hash},
          {"model", day.model},
          {"day", day.day},
          {"requests", day.requests},
          {"input_tokens", day.input_tokens},
          {"output_tokens", day.output_tokens},
          {"cost", memory_json(day.cost)}};
}

inline Json memory_json(const std::string& reference, const MemoryReference& entry) {
  return {{"reference", reference},
          {"account", entry.account},
          {"transaction", memory_json(entry.transaction)}};
}

inline Json memory_json(const std::pair<AccountId, std::string>& key, const MemoryAnswer& entry) {
  return {{"account", key.first},
          {"key", key.second},
          {"request_digest", entry.answer.request_digest},
          {"status", entry.answer.status},
          {"body", entry.answer.body},
          {"kept", entry.kept},
          {"at", memory_json(entry.at)}};
}

inline Json memory_json(const DeviceSession& session) {
  return {{"device_digest", session.device_digest},
          {"token_digest", session.token_digest},
          {"client_id", session.client_id},
          {"account", session.account},
          {"expires_at", memory_json(session.expires_at)},
          {"sealed", session.sealed}};
}

template <class Records, class Write> Json memory_list(const Records& records, Write write) {
  auto list = Json::array();
  for (const auto& record : records) list.push_back(write(record));
  return list;
}

/// Allowances are left out: they go back when the world is read.
inline std::string memory_document(const MemoryWorld& world) {
  const auto value = [](const auto& entry) { return memory_json(entry.second); };
  const auto named = [](const auto& entry) { return memory_json(entry.first, entry.second); };
  const Json document{
      {"version", memory_document_version},
      {"numbers", world.numbers},
      {"accounts", memory_list(world.accounts, value)},
      {"management_keys", memory_list(world.management_keys, value)},
      {"keys", memory_list(world.keys, value)},
      {"references", memory_list(world.references, named)},
      {"usage", memory_list(world.rows, [](const auto& row) { return memory_json(row); })},
      {"days", memory_list(world.days,
                           [](const auto& day) {
                             return memory_json(std::get<0>(day.first), day.second);
                           })},
      {"answers", memory_list(world.answers, named)},
      {"sessions", memory_list(world.sessions, value)},
  };
  return dump_json(document);
}

// --- reading

/// The members of an object; what is missing or of another type makes the whole text malformed.
class MemoryReader {
 public:
  MemoryReader(const Json& object, bool& good) : object_{&object}, good_{&good} {}

  std::string text(const char* name) { return get<std::string>(name, &Json::is_string); }
  bool flag(const char* name) { return get<bool>(name, &Json::is_boolean); }
  std::int64_t number(const char* name) {
    return get<std::int64_t>(name, &Json::is_number_integer);
  }
  std::uint64_t count(const char* name) {
    return get<std::uint64_t>(name, &Json::is_number_unsigned);
  }
  Money money(const char* name) { return Money{number(name)}; }
  TimePoint time(const char* name) { return TimePoint{Duration{number(name)}}; }
  std::optional<std::int64_t> maybe_number(const char* name) {
    const auto* found = member(*object_, name);
    if (found != nullptr && found->is_null()) return std::nullopt;
    return number(name);
  }
  std::optional<TimePoint> maybe_time(const char* name) {
    const auto number = maybe_number(name);
    return number ? std::optional{TimePoint{Duration{*number}}} : std::nullopt;
  }
  LimitReset reset(const char* name) { return named(limit_reset_of(text(name))); }
  TransactionType type(const char* name) { return named(transaction_type_of(text(name))); }
  MemoryReader object(const char* name) {
    static const Json none = Json::object();
    const auto* found = member(*object_, name);
    *good_ = *good_ && found != nullptr && found->is_object();
    return {*good_ ? *found : none, *good_};
  }
  template <class Read> void each(const char* name, Read read) {
    const auto* found = member(*object_, name);
    *good_ = *good_ && found != nullptr && found->is_array();
    for (std::size_t i = 0; *good_ && i < found->size(); ++i)
      read(MemoryReader{(*found)[i], *good_});
  }

 private:
  template <class T> T get(const char* name, bool (Json::*fits)() const noexcept) {
    const auto* found = member(*object_, name);
    if (*good_ && found != nullptr && (found->*fits)()) return found->get<T>();
    *good_ = false;
    return T{};
  }
  template <class T> T named(std::optional<T> value) {
    *good_ = *good_ && value;
    return value.value_or(T{});
  }

  const Json* object_;
  bool* good_;
};

inline CreditTransaction read_memory_transaction(MemoryReader from) {
  return {from.text("id"),          from.type("type"),
          from.money("amount"),     from.money("balance_after"),
          from.text("description"), from.time("created_at")};
}

inline MemoryAccount read_memory_account(MemoryReader from) {
  MemoryAccount entry;
  auto account = from.object("account");
  entry.account = {account.text("id"),
                   account.text("email"),
                   account.text("password_hash"),
                   account.text("plan"),
                   account.maybe_number("github_id"),
                   account.text("avatar_url"),
                   account.time("created_at")};
  entry.balance = {from.money("credits"), from.money("usage"), {}};
  entry.topup = {from.flag("topup_enabled"), from.money("topup_threshold"),
                 from.money("topup_amount"), from.maybe_time("topup_updated_at")};
  from.each("transactions", [&](MemoryReader transaction) {
    entry.transactions.push_back(read_memory_transaction(transaction));
  });
  entry.usage_day = from.text("usage_day");
  entry.number = from.count("number");
  return entry;
}

inline MemoryKey read_memory_key(MemoryReader from) {
  MemoryKey entry;
  auto& key = entry.key;
  key.hash = from.text("hash");
  key.digest = from.text("digest");
  key.account = from.text("account");
  key.name = from.text("name");
  if (const auto limit = from.maybe_number("credit_limit")) key.credit_limit = Money{*limit};
  key.limit_reset = from.reset("limit_reset");
  key.usage = from.money("usage");
  key.period_usage = from.money("period_usage");
  key.period_start = from.time("period_start");
  entry.period = {from.reset("period_kind"), from.time("counted_from")};
  key.disabled = from.flag("disabled");
  key.created_at = from.time("created_at");
  key.expires_at = from.maybe_time("expires_at");
  key.revoked_at = from.maybe_time("revoked_at");
  entry.number = from.count("number");
  return entry;
}

inline UsageRow read_memory_row(MemoryReader from) {
  return {from.text("request_id"),
          from.text("key_hash"),
          from.text("account"),
          from.text("model"),
          from.count("input_tokens"),
          from.count("cached_input_tokens"),
          from.count("output_tokens"),
          from.count("reasoning_tokens"),
          from.flag("estimated"),
          from.money("cost"),
          static_cast<int>(from.number("status")),
          from.time("at")};
}

inline void read_memory_usage(MemoryReader from, MemoryWorld& world) {
  from.each("usage", [&](MemoryReader row) { world.rows.push_back(read_memory_row(row)); });
  from.each("days", [&](MemoryReader day) {
    UsageDay read{day.text("key_hash"),  day.text("model"),         day.text("day"),
                  day.count("requests"), day.count("input_tokens"), day.count("output_tokens"),
                  day.money("cost")};
    world.days[{day.text("account"), read.day, read.key_hash, read.model}] = std::move(read);
  });
}

inline void read_memory_access(MemoryReader from, MemoryWorld& world) {
  from.each("management_keys", [&](MemoryReader key) {
    ManagementKey read{key.text("digest"), key.text("account"), key.time("created_at"),
                       key.maybe_time("revoked_at")};
    world.management_keys.emplace(read.digest, std::move(read));
  });
  from.each("answers", [&](MemoryReader answer) {
    world.answers[{answer.text("account"), answer.text("key")}] = {
        {answer.text("request_digest"), static_cast<int>(answer.number("status")),
         answer.text("body")},
        answer.flag("kept"),
        answer.time("at")};
  });
  from.each("sessions", [&](MemoryReader session) {
    DeviceSession read{session.text("device_digest"), session.text("token_digest"),
                       session.text("client_id"),     session.text("account"),
                       session.time("expires_at"),    session.text("sealed")};
    world.sessions.emplace(read.device_digest, std::move(read));
  });
}

inline bool memory_owners_exist(const MemoryWorld& world) {
  const auto known = [&](const AccountId& id) { return world.accounts.contains(id); };
  return std::ranges::all_of(world.keys,
                             [&](const auto& entry) { return known(entry.second.key.account); }) &&
         std::ranges::all_of(world.management_keys,
                             [&](const auto& entry) { return known(entry.second.account); }) &&
         world.hashes.size() == world.keys.size();
}

inline Result<void> read_memory_document(std::string_view text, MemoryWorld& world) {
  const char* doing = "reading accounts";
  const auto document = parse_json(text);
  if (!document) return fail(document.error());
  bool good = true;
  MemoryReader from{*document, good};
  const auto version = from.number("version");
  if (good && version > memory_document_version)
    return fail(Errc::unsupported, doing, {}, "they were written by a newer version: update");
  world.numbers = from.count("numbers");
  from.each("accounts", [&](MemoryReader account) {
    auto entry = read_memory_account(account);
    world.accounts.emplace(entry.account.id, std::move(entry));
  });
  from.each("keys", [&](MemoryReader key) {
    auto entry = read_memory_key(key);
    world.hashes.emplace(entry.key.digest, entry.key.hash);
    world.keys.emplace(entry.key.hash, std::move(entry));
  });
  from.each("references", [&](MemoryReader reference) {
    world.references.emplace(
        reference.text("reference"),
        MemoryReference{reference.text("account"),
                        read_memory_transaction(reference.object("transaction"))});
  });
  read_memory_access(from, world);
  read_memory_usage(from, world);
  if (!good || !memory_owners_exist(world))
    return fail(Errc::malformed, doing, {}, "this is no document of accounts");
  return {};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
