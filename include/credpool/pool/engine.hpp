#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/pool/explain.hpp>
#include <credpool/pool/fair_share.hpp>
#include <credpool/pool/lease.hpp>
#include <credpool/pool/outcome.hpp>
#include <credpool/pool/policy_box.hpp>
#include <credpool/pool/request.hpp>
#include <credpool/pool/settings.hpp>
#include <credpool/store/concept.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// A lock for sections of some tens of nanoseconds. Gives the processor away when its holder seems
/// to have lost it.
class SpinLock {
 public:
  void lock() noexcept;
  bool try_lock() noexcept { return !held_.exchange(true, std::memory_order_acquire); }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

/// One credential, with all that the pool knows of it. Never moves and never goes away, so that
/// leases and lanes may point at it; `credential` is empty when no scan has found it (any more).
struct PoolSlot {
  CandidateFacts facts;
  std::shared_ptr<const Credential> credential;
  CredentialState state;            ///< use, last_selected and limit as of the last take_delta()
  std::vector<Cooldown> cooldowns;  ///< those that are on
  AimdState aimd;
  TimePoint failed_at{};
  TimePoint refused_at{};   ///< last 429 or overload that admission has learnt from
  std::uint32_t index = 0;  ///< of itself
  std::uint32_t host = 0;
  std::uint32_t fixed_limit = 0;  ///< of its rule; 0: as admission says
  std::uint16_t unwritten = 0;    ///< Unwritten bits: what the store does not know yet
  std::uint16_t being_written = 0;
  bool found = false;  ///< by the last scan
  bool unknown_to_store = true;
  bool forbidden = false;
  bool ask = false;
  bool out_of_order = false;
  std::vector<std::string> models;  ///< of its rule
  std::string token_hash;           ///< of the token it has now
  // Uses since the last write, and those that are being written; in growing units, and counted.
  double new_use = 0;
  double use_being_written = 0;
  std::uint64_t new_uses = 0;
  std::uint64_t uses_being_written = 0;
};
static_assert(sizeof(PoolSlot) <= 1024, "hot state of a credential");

/// One provider and model: who is there, who may serve now, and the policy with its memory.
struct PoolLane {
  struct Member {
    std::uint32_t slot = 0;
    bool open = false;         ///< may serve, as long as admission allows
    bool gone = true;          ///< cannot serve before somebody does something about it
    TimePoint due{};           ///< when that may change by itself
    std::uint32_t admits = 0;  ///< leases at once while it is open; 0: any number, or not open
    bool unlimited = false;
  };
  struct Due {
    TimePoint at;
    std::uint32_t position;
    friend bool operator>(const Due& a, const Due& b) noexcept { return a.at > b.at; }
  };
  struct Seated {
    std::uint64_t session = 0;
    std::uint32_t position = 0;
  };

  std::uint32_t index = 0;  ///< of itself
  std::string provider;
  std::string model;
  std::vector<std::string> scopes;
  std::uint64_t key = 0;
  std::unique_ptr<PolicyBox> policy;
  Candidates candidates;
  std::vector<Member> members;          ///< by position
  std::vector<std::uint32_t> position;  ///< by slot; `nowhere` when it is not a member
  std::vector<Due> due;                 ///< a heap; entries that a member no longer has are stale
  std::vector<Seated> sessions;         ///< cache of rendezvous winners, direct-mapped
  std::uint32_t leases = 0;
  std::uint32_t admitted = 0;    ///< leases at once of all members that are open and have a limit
  std::uint32_t unlimited = 0;   ///< members that are open and have none
  FairShare* clients = nullptr;  ///< of its provider
  std::uint64_t used_at = 0;     ///< turn of the last request, to find the idlest lane
  bool cursor_unwritten = false;
  bool cursor_being_written = false;

  static constexpr std::uint32_t nowhere = ~std::uint32_t{0};
  std::string name() const { return provider + "/" + model; }
};

/// The pool without its policies' types: state and rules, under one lock.
/// @thread_safety safe
class PoolEngine {
 public:
  struct Lent {
    LeaseTicket ticket;
    std::shared_ptr<const Credential> credential;
  };

  PoolEngine(std::unique_ptr<PolicyBox> policy, PoolSettings settings, std::string_view host_name);

  PoolSettings settings() const;
  std::string policy() const;
  /// Other rules from now on; leases that are out stay good.
  /// @param policy null: the one there is, with its memory
  void configure(std::unique_ptr<PolicyBox> policy, PoolSettings settings, TimePoint now);

  void replace(std::vector<Credential> credentials, TimePoint now);
  /// The same credential with a new token.
  void replace_one(Credential credential, TimePoint now);
  Result<Lent> acquire(const LeaseRequest& request, TimePoint now);
  /// @return whether the store should hear of it at once
  bool settle(const LeaseTicket& ticket, const Credential& used, const Outcome& outcome,
              TimePoint now) noexcept;
  Explanation explain(const LeaseRequest& request, TimePoint now);

  std::vector<std::shared_ptr<const Credential>> credentials() const;
  std::vector<CredentialState> states(TimePoint now) const;
  std::vector<Cooldown> cooldowns() const;
  Result<std::shared_ptr<const Credential>> find(std::string_view name) const;

  Result<std::size_t> clear_cooldowns(std::string_view name, std::string_view model, TimePoint now);
  Result<void> set_disabled(std::string_view name, bool disabled, TimePoint now);
  Result<void> set_imported(std::string_view name, bool imported, TimePoint now);
  Result<void> note_validation(const CredentialId& id, Status status, Reason reason,
                               const std::vector<QuotaWindow>& quotas, const Outcome& answer,
                               TimePoint now);

  /// Takes over what other processes wrote. This and the next three let other threads lend in
  /// between; they are called by one thread at a time.
  void learn(const PoolState& changed, TimePoint now);
  /// What the store does not know yet; drop_delta() or keep_delta() must follow.
  PoolDelta take_delta(TimePoint now);
  void drop_delta();  ///< it has been written
  void keep_delta();  ///< it could not be written: hand it out again next time

 private:
  enum Unwritten : std::uint16_t {
    imported = 1,
    disabled = 2,
    failures = 4,
    latency = 8,
    limit = 16,
    rejected = 32,
    verified = 64,
    used = 128,
    selected = 256,
  };
  /// How a credential stands towards a lane.
  struct Standing {
    Eligibility verdict = Eligibility::eligible;
    std::optional<TimePoint> until = {};    ///< for a person
    std::optional<TimePoint> changes = {};  ///< when to look again
    std::string_view model = {};
    bool on_trial = false;
    bool brief = true;
  };
  struct Host {
    std::string name;
    std::uint32_t failures = 0;
    TimePoint since{};
    TimePoint until{};
  };

  void tick(TimePoint now) noexcept;
  PoolSlot& slot_of(const CredentialId& id);
  std::uint32_t host_of(const Credential& credential);
  void apply_rule(PoolSlot& slot) const;
  void put_in_order();
  void put_turns_in_order();
  void level_up(PoolSlot& slot, TimePoint now);
  void learn(const CredentialState& row, TimePoint now);
  void learn(const Cooldown& row, TimePoint now);
  CredentialDelta take_delta_of(PoolSlot& slot);
  static void learn_quota(PoolSlot& slot, const QuotaHeadroom& quota) noexcept;
  void mark(PoolSlot& slot, unsigned bits);

  PoolLane& lane_for(const LeaseRequest& request, TimePoint now);
  void seat(PoolLane& lane, TimePoint now);
  void wake(PoolLane& lane, TimePoint now);
  Standing standing(const PoolSlot& slot, const PoolLane& lane, TimePoint now) const;
  void assess(PoolLane& lane, std::uint32_t position, TimePoint now);
  void assess_everywhere(std::uint32_t slot, TimePoint now);
  void touch(std::uint32_t slot) noexcept;
  void admit(PoolLane& lane, std::uint32_t position) noexcept;
  static bool has_room(const PoolSlot& slot) noexcept {
    return slot.facts.limit <= 0 || static_cast<float>(slot.facts.in_flight) < slot.facts.limit;
  }

  Result<std::optional<std::uint32_t>> pinned(const LeaseRequest& request) const;
  std::optional<std::size_t> choose(PoolLane& lane, const LeaseRequest& request,
                                    std::optional<std::uint32_t> pin, TimePoint now);
  static std::uint64_t session_of(const LeaseRequest& request) noexcept;
  static FairShare::Client client_of(const LeaseRequest& request) noexcept;
  static bool share_used_up(const PoolLane& lane, const LeaseRequest& request, TimePoint now);
  std::optional<std::size_t> by_session(PoolLane& lane, const LeaseRequest& request,
                                        std::uint64_t session) const;
  Lent select(PoolLane& lane, std::size_t position, const LeaseRequest& request, TimePoint now);
  void begin_trial(PoolSlot& slot, const PoolLane& lane, TimePoint now);
  Unexpected refusal(const PoolLane& lane, const LeaseRequest& request,
                     std::optional<std::uint32_t> pin, bool share_used_up, TimePoint now) const;
  Standing answer(const PoolSlot& slot, const PoolLane& lane, const LeaseRequest& request,
                  std::optional<std::uint32_t> pin, bool share_used_up, TimePoint now) const;

  bool on_ok(PoolSlot& slot, const PoolLane& lane, const LeaseTicket& ticket,
             const Outcome& outcome, TimePoint now);
  void end_trial(PoolSlot& slot, const PoolLane& lane, TimePoint now);
  void rest_after_validation(PoolSlot& slot, const Outcome& answer, TimePoint now);
  void on_refusal(PoolSlot& slot, const PoolLane& lane, const LeaseTicket& ticket,
                  const Outcome& outcome, TimePoint now);
  void learn_latency(PoolSlot& slot, const LeaseTicket& ticket, Duration first_byte_after,
                     TimePoint now);
  void cool_down(PoolSlot& slot, CooldownReason reason, const std::string& model,
                 const LeaseTicket& ticket, const std::optional<TimePoint>& evidence,
                 TimePoint now);
  void on_host_failure(std::uint32_t host, const LeaseTicket& ticket, TimePoint now);
  Result<std::uint32_t> find_slot(std::string_view name, std::string_view model = {}) const;

  mutable SpinLock lock_;
  PoolSettings settings_;
  std::unique_ptr<PolicyBox> policy_;
  std::uint64_t salt_;
  std::deque<PoolSlot> slots_;
  std::map<CredentialId, std::uint32_t> by_id_;
  std::vector<std::uint32_t> order_;  ///< slots of the last scan, in the user's order
  std::deque<PoolLane> lanes_;
  std::map<std::string, FairShare> clients_;  ///< by provider of the request
  std::vector<Host> hosts_;
  std::map<std::string, Cursor> cursors_;  ///< as the store has them, by lane
  std::vector<Cooldown> cooldowns_to_write_;
  std::vector<Cooldown> cooldowns_being_written_;
  std::uint64_t turn_ = 0;
  // Forward decay: a use at time t counts 2^((t - landmark) / half-life), so that nobody's number
  // has to be touched while time passes.
  TimePoint landmark_{};
  TimePoint ticked_at_{};
  double one_use_ = 1;
  std::vector<std::uint32_t> unwritten_;      ///< slots with unwritten bits
  std::vector<std::uint32_t> being_written_;  ///< slots with bits being written; the writer's own
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/pool/engine.ipp>
#include <credpool/impl/pool/engine_lend.ipp>
#include <credpool/impl/pool/engine_outcome.ipp>
#include <credpool/impl/pool/engine_standing.ipp>
#include <credpool/impl/pool/engine_state.ipp>
#endif
