#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/clock.hpp>
#include <credpool/pool/background.hpp>
#include <credpool/pool/engine.hpp>
#include <credpool/pool/explain.hpp>
#include <credpool/pool/lease.hpp>
#include <credpool/pool/outcome.hpp>
#include <credpool/pool/refresh_turns.hpp>
#include <credpool/pool/request.hpp>
#include <credpool/pool/settings.hpp>
#include <credpool/refresh/first_of.hpp>
#include <credpool/rotation/least_used.hpp>
#include <credpool/source/sources.hpp>
#include <credpool/store/memory.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Something that looks for credentials: Sources, or a stand-in of it.
template <class L>
concept SourceList = requires(const L& list, const Environment& environment,
                              const SourceSettingsByCli& settings) {
  { list.discover_all(environment, settings) } -> std::same_as<Discovery>;
};

/// Finds credentials, lends them in rotation, and learns from what happened to them.
///
/// @code
/// Pool pool{Sources{KimiCli{}}, LeastUsed{}};
/// if (auto found = pool.scan(); !found) return exit_code(found.error());
/// auto lease = pool.acquire({.provider = "kimi-code"});
/// if (!lease) return exit_code(lease.error());
/// lease->report(call_the_api(lease->secret()));
/// @endcode
///
/// What it learns is kept in the store, where other processes see it. Evidence (cooldowns, refused
/// tokens) is written before the report returns, and heard by the others within `poll_every`. Plain
/// uses never touch the store: they are written by maintain(), by sync(), with the next evidence
/// and at the end. With PoolSettings::background_writer all of it is left to a thread of the
/// pool's own. A store that fails does not stop lending; sync() tells its errors.
///
/// @thread_safety safe
template <SourceList List, RotationPolicy Policy = LeastUsed, RefreshMethod Refresh = FirstOf<>,
          PoolStateStore Store = MemoryState, Clock ClockType = SystemClock>
class Pool final : private LeaseKeeper {
 public:
  explicit Pool(List sources, Policy policy = {}, Refresh refresh = {}, Store store = {},
                ClockType clock = {}, PoolSettings settings = {},
                Environment environment = Environment::of_process())
      : sources_{std::move(sources)},
        refresh_{std::move(refresh)},
        store_{std::move(store)},
        clock_{std::move(clock)},
        environment_{std::move(environment)},
        poll_every_{settings.poll_every},
        write_every_{settings.write_every},
        engine_{detail::box(std::move(policy)), settings, environment_.host_name()} {
    if (settings.background_writer) writer_.emplace([this] { return keep_up(); });
  }

  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  /// Writes what is not written yet. All leases must have ended.
  ~Pool() {
    writer_.reset();
    (void)sync();
  }

  /// Looks at all sources and lends from now on what they hold now.
  ///
  /// Leases that are out stay good. A source that fails is told in Discovery::failures, and does
  /// not stop the others.
  /// @errors what the store answers, when the state of earlier runs cannot be read
  /// @effects reads files, as the sources do
  Result<Discovery> scan() {
    auto discovery = sources_.discover_all(environment_, engine_.settings().sources);
    if (auto replaced = replace_credentials(discovery.credentials); !replaced)
      return fail(replaced.error());
    return discovery;
  }

  /// The same with a list from elsewhere: the pool lends these from now on.
  Result<void> replace_credentials(std::vector<Credential> credentials) {
    const auto synced = sync();
    const auto now = clock_.now();
    engine_.replace(std::move(credentials), now);
    bell_.ring();
    return synced;
  }

  /// Lends a credential; waits for one as long as LeaseRequest::hold allows.
  ///
  /// @errors no_credential when none can serve (within the hold): `retry_at` tells when one may,
  ///         the hint what is the matter with each; overloaded, likewise, when all that could rest
  ///         only because their providers were overloaded or not to be reached; invalid_argument
  ///         when the pin names several, not_found when it names none
  Result<Lease> acquire(const LeaseRequest& request) {
    return hold(request, [&] {
      if (writer_ && pace_.asked()) writer_->wake();
      poll();
      auto lease = lend(request, clock_.now());
      // One trial at a time, over all processes: they must hear of it before they try as well.
      if (lease && lease->on_trial()) (void)exchange();
      return lease;
    });
  }

  /// The same inside a transaction of the store: for programs that lend once and exit. Two of them
  /// never make the same choice from the same state, and what was chosen is written on return.
  /// @errors as acquire(), or what the store answers
  Result<Lease> acquire_in_transaction(const LeaseRequest& request) {
    return hold(request, [&] { return transact(request); });
  }

  /// How every credential stands towards a request; lends nothing.
  Explanation explain(const LeaseRequest& request) {
    poll();
    return engine_.explain(request, clock_.now());
  }

  /// The credentials of the last scan, in the user's order.
  std::vector<std::shared_ptr<const Credential>> credentials() const {
    return engine_.credentials();
  }
  /// What is remembered about them, in the same order.
  std::vector<CredentialState> states() const { return engine_.states(clock_.now()); }

  /// The one credential of that profile id or id (at least 8 digits).
  /// @errors not_found; invalid_argument when several have that name
  Result<std::shared_ptr<const Credential>> find(std::string_view name) const {
    return engine_.find(name);
  }

  /// The rests that are on, soonest end first.
  std::vector<Cooldown> cooldowns() const { return engine_.cooldowns(); }
  /// Ends rests, and forgets refused tokens and host failures with them.
  /// @param name  a profile id or id; empty: all credentials
  /// @param model only rests of that model; empty: all of them
  /// @return how many ended
  Result<std::size_t> clear_cooldowns(std::string_view name = {}, std::string_view model = {}) {
    auto cleared = engine_.clear_cooldowns(name, model, clock_.now());
    return written(std::move(cleared));
  }

  /// Switches a credential off or on, for all processes, until further notice.
  Result<void> set_disabled(std::string_view name, bool disabled) {
    return written(engine_.set_disabled(name, disabled, clock_.now()));
  }
  /// Allows (or no longer allows) to lend a credential although `auto_import` is off. By reference:
  /// the state remembers its id, never its token.
  Result<void> set_imported(std::string_view name, bool imported) {
    return written(engine_.set_imported(name, imported, clock_.now()));
  }
  /// What validation found out about the token that a credential has now.
  /// @param quotas what is left of its allowances, where the provider told (for `quota-aware`);
  ///               those of a Credential are taken over by replace_credentials() as well
  /// @param answer the provider's answer as an outcome: a quota that is used up or a seat that is
  ///               not paid for lets it rest, `ok` ends such rests
  Result<void> note_validation(const CredentialId& id, Status status, Reason reason,
                               const std::vector<QuotaWindow>& quotas = {},
                               const Outcome& answer = {}) {
    return written(engine_.note_validation(id, status, reason, quotas, answer, clock_.now()));
  }

  /// Gets a credential a new token, by the first method that can.
  ///
  /// One at a time for one credential: a caller that waited finds the token that the other one got.
  /// Different credentials do not wait for one another.
  /// @errors not_found; login_needed when no method can do it; else what the method answers
  Result<void> refresh(std::string_view name, bool may_interact = false) {
    const auto before = find(name);
    if (!before) return fail(before.error());
    return refresh_in_turn(**before, Refused::no, may_interact);
  }
  /// The same after a provider refused the token of a lease (401): the login is refreshed although
  /// its token should live on.
  ///
  /// Nothing is done when the token has been replaced since: a slow answer to a request with the
  /// old one says nothing about the new one.
  /// @param used what was lent (Lease::credential())
  Result<void> refresh(const Credential& used, bool may_interact = false) {
    return refresh_in_turn(used, Refused::yes, may_interact);
  }

  /// Writes what is not written yet, and learns what other processes have written.
  Result<void> sync() { return exchange(); }

  /// What a long-running program does now and then beside its requests, unless it has chosen
  /// PoolSettings::background_writer: writes uses when `write_every` has passed since the last
  /// time, and learns what other processes wrote.
  /// @errors what the store answers; nothing is lost then, the next call tries again
  Result<void> maintain() {
    if (due(last_write_, write_every_)) return exchange();
    const std::lock_guard lock{store_mutex_};
    return learn_locked();
  }

  /// The name of the policy in force.
  std::string policy() const { return engine_.policy(); }
  PoolSettings settings() const { return engine_.settings(); }

  /// Other rules from now on, while it lends: leases that are out stay good, uses and rests are
  /// kept, and nobody waits for the change but for the moment of the change itself.
  ///
  /// `poll_every`, `write_every` and `background_writer` stay as the constructor got them;
  /// `sources` counts from the next scan() on.
  void configure(PoolSettings settings) {
    engine_.configure(nullptr, std::move(settings), clock_.now());
    bell_.ring();
  }
  /// The same with another policy, which begins without memory.
  void configure(Policy policy, PoolSettings settings) {
    engine_.configure(detail::box(std::move(policy)), std::move(settings), clock_.now());
    bell_.ring();
  }

 private:
  /// Whether a provider refused the token.
  enum class Refused { no, yes };

  Result<void> refresh_in_turn(const Credential& used, Refused refused, bool may_interact) {
    const detail::RefreshTurns::Turn turn{refresh_turns_, used.id};
    const auto now_there = find(used.id.hex());
    if (!now_there) return fail(now_there.error());
    if (!((*now_there)->secret == used.secret)) return {};
    auto stale = **now_there;
    // So the methods know that it is not for its own clock to say.
    if (refused == Refused::yes && stale.status != Status::disabled) stale.status = Status::revoked;
    auto fresh = refresh_.refresh(stale, {.now = clock_.now(), .may_interact = may_interact});
    if (!fresh) return fail(std::move(fresh).error());
    engine_.replace_one(std::move(*fresh), clock_.now());
    bell_.ring();
    return {};
  }

  void take_back(const LeaseTicket& ticket, const Credential& used,
                 const Outcome& outcome) noexcept override {
    const bool evidence = engine_.settle(ticket, used, outcome, clock_.now());
    bell_.ring();
    if (!evidence) return;
    // A store that fails is asked again later; the pool goes on from memory.
    if (!writer_) {
      (void)exchange();
      return;
    }
    evidence_ = true;
    writer_->wake();
  }

  /// A round of the background writer.
  /// @return the pause until the next
  Duration keep_up() {
    (void)(evidence_.exchange(false) ? exchange() : maintain());
    return pace_.next();
  }

  /// Whether `every` has passed since `last`; then `last` becomes now, for one caller only.
  bool due(std::atomic<std::int64_t>& last, Duration every) {
    const auto steady = clock_.steady().count();
    auto before = last.load(std::memory_order_relaxed);
    return steady - before >= std::chrono::nanoseconds{every}.count() &&
           last.compare_exchange_strong(before, steady, std::memory_order_relaxed);
  }

  Result<Lease> lend(const LeaseRequest& request, TimePoint now) {
    auto lent = engine_.acquire(request, now);
    if (!lent) return fail(std::move(lent).error());
    return Lease{*this, lent->ticket, std::move(lent->credential)};
  }

  /// Asks until there is a lease, or until waiting on is known to lead to none. No lock is held
  /// meanwhile.
  template <class Ask> Result<Lease> hold(const LeaseRequest& request, const Ask& ask) {
    if (request.hold <= Duration::zero()) return ask();
    const auto patience_ends = clock_.now() + request.hold;
    detail::Bell::Listener listener{bell_};
    for (;;) {
      listener.listen();
      auto lease = ask();
      if (lease || !nobody_can_serve(lease.error())) return lease;
      const auto now = clock_.now();
      const auto useful = lease.error().retry_at;
      if (!useful || *useful > patience_ends || now >= patience_ends) return lease;
      // A time that has come means "whenever a lease ends", which rings. Other processes do not.
      const auto until = *useful > now ? *useful : patience_ends;
      listener.wait(std::min(until - now, std::max(poll_every_, shortest_wait)));
    }
  }

  Result<Lease> transact(const LeaseRequest& request) {
    std::optional<Result<Lease>> lease;  // outlives the lock: a lease that is dropped may want it
    const std::lock_guard lock{store_mutex_};
    const auto done = store_.transact(seen_, [&](const PoolState& changed) {
      const auto now = clock_.now();
      engine_.learn(changed, now);
      lease.emplace(lend(request, now));
      return engine_.take_delta(now);
    });
    if (!done) {
      engine_.keep_delta();
      return fail(done.error());
    }
    seen_ = *done;
    engine_.drop_delta();
    return std::move(*lease);
  }

  /// Looks now and then whether another process wrote; never waits for a thread that does.
  void poll() {
    if (writer_ || !due(last_poll_, poll_every_)) return;
    const std::unique_lock lock{store_mutex_, std::try_to_lock};
    if (lock) (void)learn_locked();
  }

  /// Takes over what other processes wrote, and writes nothing.
  Result<void> learn_locked() {
    const auto generation = store_.generation();
    if (!generation) return fail(generation.error());
    if (*generation != seen_) {
      const auto done = store_.transact(seen_, [&](const PoolState& changed) {
        engine_.learn(changed, clock_.now());
        return PoolDelta{};
      });
      if (!done) return fail(done.error());
      seen_ = *done;
    }
    bell_.ring();
    return {};
  }

  Result<void> exchange() {
    const std::lock_guard lock{store_mutex_};
    const auto done = store_.transact(seen_, [&](const PoolState& changed) {
      const auto now = clock_.now();
      engine_.learn(changed, now);
      return engine_.take_delta(now);
    });
    if (!done) {
      engine_.keep_delta();
      return fail(done.error());
    }
    seen_ = *done;
    engine_.drop_delta();
    bell_.ring();
    return {};
  }

  template <class T> Result<T> written(Result<T> answer) {
    if (!answer) return answer;
    bell_.ring();
    if (auto flushed = sync(); !flushed) return fail(flushed.error());
    return answer;
  }

  static constexpr Duration shortest_wait{10};

  List sources_;
  Refresh refresh_;
  Store store_;
  ClockType clock_;
  Environment environment_;
  const Duration poll_every_;
  const Duration write_every_;
  detail::PoolEngine engine_;
  std::mutex store_mutex_;
  detail::RefreshTurns refresh_turns_;
  Generation seen_ = 0;
  std::atomic<std::int64_t> last_poll_{0};
  std::atomic<std::int64_t> last_write_{0};
  std::atomic<bool> evidence_{false};  ///< the background writer has evidence to write
  detail::WriterPace pace_{std::min(poll_every_, write_every_)};
  detail::Bell bell_;
  std::optional<detail::Repeater> writer_;  ///< last: it uses the others
};

}  // namespace credpool::inline CREDPOOL_ABI
