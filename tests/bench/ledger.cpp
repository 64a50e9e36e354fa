// SPDX-License-Identifier: MIT
// What the ledger costs: a hold and a settlement in the caller's thread, and how many settlements a
// second become durable in SQLite and in PostgreSQL, with 64 and 256 requests at once; beside it,
// in turn, the same where 1,000,000 requests and 100,000 keys are there already. Then spending from
// all of those keys. Medians of five; in brackets beside the first line.
//
// The files lie in the folder that is named as argument, else in the current one: it must be on a
// disk, for a commit waits for it. PostgreSQL's processor time is not counted.
#include <credpool/account/ledger.hpp>
#include <credpool/account/sqlite_store.hpp>
#include <credpool/core/clock.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/impl/account/sqlite_accounts_schema.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#if defined(CREDPOOL_BENCH_POSTGRES)
#include <credpool/account/postgres_store.hpp>
#include <postgres_server.hpp>
#endif

#include <sys/resource.h>
#include <unistd.h>

namespace cp = credpool;

namespace {

const cp::AccountId account = "11111111-1111-4111-8111-111111111111";

[[noreturn]] void stop(const cp::Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  std::exit(1);
}
template <class T> T must(cp::Result<T> result) {
  if (!result) stop(result.error());
  return *std::move(result);
}
void must(const cp::Result<void>& result) {
  if (!result) stop(result.error());
}

cp::TimePoint now() {
  return cp::SystemClock{}.now();
}
double seconds() {
  return std::chrono::duration<double>(cp::SystemClock{}.steady()).count();
}
double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

std::string digest_of(int key) {
  return cp::to_hex(cp::sha256("key " + std::to_string(key)));
}

void add_owner(cp::AccountStore& store) {
  cp::Account owner;
  owner.id = account;
  owner.email = "a@example.com";
  must(store.add_account(owner, {std::string(64, '0'), account, now(), {}}));
  must(store.credit(
      {account, cp::TransactionType::grant, cp::Money::dollars(100'000'000), "", "", "t", now()}));
}

/// A store of its own in a folder that goes with it.
class Place {
 public:
  explicit Place(const std::filesystem::path& below) {
    auto pattern = (below / "ledger-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::exit(1);
    root_ = pattern;
    cp::Environment::Facts facts;
    facts.home = root_;
    facts.user = ::geteuid();
    const cp::Environment environment{std::move(facts)};
    const auto directory = must(cp::StateDirectory::locate(environment, root_ / "state"));
    store = must(cp::SqliteAccountStore::open(directory, environment));
    add_owner(*store);
  }
  ~Place() {
    store.reset();
    std::filesystem::remove_all(root_);
  }

  /// Many keys and, of the first of them, many requests.
  void fill(int keys, int rows) {
    auto database = must(
        cp::detail::SqliteDatabase::open(root_ / "state/accounts.sqlite", cp::Duration{5'000}));
    must(database.run("", "PRAGMA synchronous = OFF; BEGIN"));
    auto key = must(database.prepare(
        "INSERT INTO provisioned_key(hash, digest, account, name, credit_limit, limit_reset, "
        "period_kind, disabled, created_at) VALUES (?, ?, ?, ?, 1000000000000, 'monthly', "
        "'monthly', 0, 0)"));
    auto name = must(database.prepare("INSERT INTO usage_key VALUES (?, ?)"));
    for (int i = 0; i < keys; ++i) {
      const auto digest = digest_of(i);
      const auto hash = std::string_view{digest}.substr(0, 16);
      must(key.run("", hash, std::string_view{digest}, std::string_view{account},
                   std::string_view{digest}));
      must(name.run("", static_cast<std::int64_t>(i + 1), hash));
    }
    auto row = must(database.prepare(
        "INSERT INTO usage_row(account, key, request_id, model, input_tokens, "
        "cached_input_tokens, output_tokens, reasoning_tokens, estimated, cost, status, at) "
        "VALUES (1, ?, ?, 'gpt-4o', 1000, 0, 100, 0, 0, 0, 200, ?)"));
    for (int i = 0; i < rows; ++i) {
      const auto digest = digest_of(i % keys);
      must(row.run("", static_cast<std::int64_t>(i % keys + 1), std::string_view{digest},
                   static_cast<std::int64_t>(i)));
    }
    must(database.run("", "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)"));
  }

  std::unique_ptr<cp::SqliteAccountStore> store;

 private:
  std::filesystem::path root_;
};

std::unique_ptr<cp::Ledger> ledger_on(cp::AccountStore& store) {
  cp::LedgerOptions how;
  how.now = [] { return now(); };
  how.steady = [] { return cp::SystemClock{}.steady(); };
  // A disk that others use as well makes it slow, not wrong.
  how.wait = how.settle_patience = std::chrono::minutes{2};
  return must(cp::Ledger::start(store, how));
}

cp::UsageRow usage(int number) {
  cp::UsageRow row;
  row.request_id = "0b9d1b9e-5f0e-4f0e-8a52-" + std::to_string(100'000'000'000 + number);
  row.model = "gpt-4o";
  row.input_tokens = 1'000;
  row.output_tokens = 100;
  row.cost = cp::Money{3'500};
  row.status = 200;
  return row;
}

/// The caller's own time.
void callers(cp::AccountStore& store) {
  const auto ledger = ledger_on(store);
  const auto digest = digest_of(0);
  std::mutex mutex;
  std::condition_variable changed;
  int waited = 0;
  double hold_time = 0, settle_time = 0;
  constexpr int rounds = 200, each = 64;
  for (int round = 0; round < rounds; ++round) {
    std::vector<cp::Spend> spends;
    std::vector<cp::UsageRow> rows;
    for (int i = 0; i < each; ++i) rows.push_back(usage(i));
    spends.reserve(each);
    int done = 0;
    const auto begun = seconds();
    for (int i = 0; i < each; ++i) {
      auto held = ledger->hold(digest, cp::Money{5'000}, [&](cp::Result<cp::Spend> later) {
        const std::lock_guard lock{mutex};
        spends.push_back(must(std::move(later)));
        ++waited;
        changed.notify_one();
      });
      if (held) {
        const std::lock_guard lock{mutex};
        spends.push_back(must(*std::move(held)));
      }
    }
    const auto held = seconds();
    {
      std::unique_lock lock{mutex};
      changed.wait(lock, [&] { return spends.size() == each; });
    }
    const auto settling = seconds();
    for (int i = 0; i < each; ++i)
      spends[static_cast<std::size_t>(i)].settle(std::move(rows[static_cast<std::size_t>(i)]),
                                                 [&](const auto&) {
                                                   const std::lock_guard lock{mutex};
                                                   ++done;
                                                   changed.notify_one();
                                                 });
    const auto settled = seconds();
    if (round > 0) hold_time += held - begun, settle_time += settled - settling;
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return done == each; });
  }
  constexpr double count = (rounds - 1) * each;
  std::printf("hold   %6.0f ns in the caller's thread (%d of %d had to wait)\n",
              hold_time / count * 1e9, waited, rounds * each);
  std::printf("settle %6.0f ns in the caller's thread\n", settle_time / count * 1e9);
}

struct Rate {
  double settled = 0;    ///< a second
  double processor = 0;  ///< microseconds each
};

/// So many requests at once, each held and settled by one thread when the one before is durable.
Rate throughput(cp::AccountStore& store, int slots, int keys) {
  const auto ledger = ledger_on(store);
  std::vector<std::string> digests;
  for (int i = 0; i < keys; ++i) digests.push_back(digest_of(i));
  std::mutex mutex;
  std::condition_variable changed;
  int ready = slots;
  std::uint64_t settled = 0;
  std::size_t next = 0;
  const auto settle = [&](cp::Result<cp::Spend> spend) {
    must(std::move(spend)).settle(usage(0), [&](const auto& done) {
      must(done);
      const std::lock_guard lock{mutex};
      ++settled;
      if (++ready == 1) changed.notify_one();
    });
  };
  const auto begun = seconds();
  const auto processor = processor_seconds();
  // After two seconds no more is begun, and what is under way comes to its end.
  for (int ended = 0; ended < slots;) {
    int now_ready = 0;
    {
      std::unique_lock lock{mutex};
      changed.wait(lock, [&] { return ready > 0; });
      now_ready = std::exchange(ready, 0);
    }
    if (seconds() - begun >= 2) {
      ended += now_ready;
      continue;
    }
    for (int i = 0; i < now_ready; ++i) {
      next = (next + 1) % digests.size();
      if (auto held = ledger->hold(digests[next], cp::Money{5'000}, settle))
        settle(*std::move(held));
    }
  }
  const auto count = static_cast<double>(settled);
  return {count / (seconds() - begun), (processor_seconds() - processor) / count * 1e6};
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Several stores in turn, five times each.
class Comparison {
 public:
  void add(std::string what, cp::AccountStore& store, int keys) {
    runs_.push_back({std::move(what), store, keys, {}});
  }
  void measure(int slots) {
    for (int round = 0; round < 5; ++round)
      for (auto& run : runs_) run.rates.push_back(throughput(run.store, slots, run.keys));
    for (auto& run : runs_) {
      std::vector<double> settled, processor, beside, cost_beside;
      for (std::size_t i = 0; i < run.rates.size(); ++i) {
        settled.push_back(run.rates[i].settled);
        processor.push_back(run.rates[i].processor);
        beside.push_back(run.rates[i].settled / runs_.front().rates[i].settled);
        cost_beside.push_back(run.rates[i].processor / runs_.front().rates[i].processor);
      }
      std::printf("%-46s %3d at once: %7.0f settled/s (%.2f), %5.1f us of processor each (%.2f)\n",
                  run.what.c_str(), slots, median(settled), median(beside), median(processor),
                  median(cost_beside));
    }
    for (auto& run : runs_) run.rates.clear();
    std::fflush(stdout);
  }

 private:
  struct Run {
    std::string what;
    cp::AccountStore& store;
    int keys;
    std::vector<Rate> rates;
  };
  std::vector<Run> runs_;
};

#if defined(CREDPOOL_BENCH_POSTGRES)
/// A PostgreSQL server of its own, on the same disk.
class PostgresPlace {
 public:
  PostgresPlace() { add_owner(*store); }

  void fill(int keys, int rows) {
    run("INSERT INTO credpool_account_key(hash, digest, account, name, credit_limit, limit_reset, "
        "period_kind, disabled, created_at) SELECT left(d, 16), d, '" +
        account +
        "', d, 1000000000000, 'monthly', 'monthly', false, 0 FROM (SELECT "
        "encode(sha256(convert_to('key ' || i, 'UTF8')), 'hex') AS d FROM generate_series(0, " +
        std::to_string(keys - 1) + ") i) k");
    run("INSERT INTO credpool_account_usage(account, key_hash, request_id, model, input_tokens, "
        "cached_input_tokens, output_tokens, reasoning_tokens, estimated, cost, status, at) "
        "SELECT '" +
        account + "', left(encode(sha256(convert_to('key ' || i % " + std::to_string(keys) +
        ", 'UTF8')), 'hex'), 16), i::text, 'gpt-4o', 1000, 0, 100, 0, false, 0, 200, i "
        "FROM generate_series(1, " +
        std::to_string(rows) + ") i");
    // What the server would do later, at a time of its own.
    run("VACUUM ANALYZE");
    run("CHECKPOINT");
  }

 private:
  void run(const std::string& text) {
    if (const auto said = server_.sql(text); !said.empty()) {
      std::fprintf(stderr, "%s\n", said.c_str());
      std::exit(1);
    }
  }

  PostgresServer server_;

 public:
  std::unique_ptr<cp::PostgresAccountStore> store = must(cp::PostgresAccountStore::open(
      {cp::Secret{server_.address()}, "bench", std::chrono::seconds{30}}));
};

void on_postgres(Place& sqlite) {
  if (PostgresServer::programs().empty()) {
    std::printf("PostgreSQL: NOT MEASURED, it is not installed\n");
    return;
  }
  PostgresPlace small, large;
  small.fill(64, 0);
  large.fill(100'000, 1'000'000);
  Comparison comparison;
  comparison.add("SQLite: 64 keys", *sqlite.store, 64);
  comparison.add("PostgreSQL: 64 keys", *small.store, 64);
  comparison.add("PostgreSQL: 64 of 100,000 keys, 1,000,000 rows", *large.store, 64);
  for (const int slots : {64, 256}) comparison.measure(slots);
}
#endif

}  // namespace

int main(int count, char** words) {
  const auto below = std::filesystem::canonical(count > 1 ? words[1] : ".");
  ::setenv("TMPDIR", below.c_str(), 1);  // where a server puts its files
  Place small{below}, large{below};
  small.fill(64, 0);
  large.fill(100'000, 1'000'000);
  callers(*small.store);
  Comparison comparison;
  comparison.add("SQLite: 64 keys", *small.store, 64);
  comparison.add("SQLite: 64 of 100,000 keys, 1,000,000 rows", *large.store, 64);
  for (const int slots : {64, 256}) comparison.measure(slots);
  Comparison in_turn;
  in_turn.add("SQLite: 100,000 keys in turn, 1,000,000 rows", *large.store, 100'000);
  in_turn.measure(256);
#if defined(CREDPOOL_BENCH_POSTGRES)
  on_postgres(small);
#endif
}
