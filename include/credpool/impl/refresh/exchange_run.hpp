#pragma once
// SPDX-License-Identifier: MIT

// One exchange, step by step as docs/refresh.md numbers them. Internal: included by .ipp files
// only.

#include <credpool/core/file_lock.hpp>
#include <credpool/impl/refresh/family_state.hpp>
#include <credpool/impl/refresh/file_swap.hpp>
#include <credpool/impl/refresh/journal.hpp>
#include <credpool/refresh/exchange.hpp>
#include <credpool/validation/classifier.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr Duration exchange_mandatory_left = std::chrono::seconds{60};
inline constexpr Duration exchange_cli_patience = std::chrono::seconds{2};
inline constexpr Duration exchange_unknown_wait = std::chrono::seconds{10};
inline constexpr Duration exchange_removal_wait{1'500};  ///< until a refused CLI has removed it
inline constexpr Duration exchange_restore_age = std::chrono::minutes{10};
inline constexpr Duration exchange_hold_margin{500};  ///< of a CLI's lock, for the write

/// How much a refresh is needed.
enum class ExchangeNeed { none, advisory, mandatory };

/// A step's answer: the end of the exchange, or nothing, and the next step follows.
using ExchangeStep = Result<std::optional<ExchangeReport>>;

class ExchangeRun {
 public:
  ExchangeRun(LoginStore& store, const TokenEndpoint& endpoint, const ExchangeRequest& request,
              const ExchangeWorld& world)
      : store_{store},
        endpoint_{endpoint},
        request_{request},
        world_{world},
        files_{ExchangeFiles::beside(store.file())} {}

  ExchangeStep look_first();             // S0
  Result<ExchangeReport> under_locks();  // S1 .. S14
  ExchangeNeed need() const noexcept { return need_; }
  Result<ExchangeReport> not_now(Error error) const;
  /// Whether what another exchange of this file came to is what this one wants.
  /// @param mandatory the other one did what it could
  bool content_with(const ExchangeReport& other, bool mandatory) const;

 private:
  struct Spend;  // S5 .. S10: one request

  // What the stored login says.
  ExchangeNeed need_of(const StoredTokens& tokens) const;
  bool works(const StoredTokens& tokens) const;
  std::optional<TimePoint> end_of(const StoredTokens& tokens) const;
  bool other_account(std::string_view account) const;
  Result<StoredLogin> read_settled() const;

  ExchangeStep recover();  // S2
  ExchangeStep recover_answer(const JournalRecord& record);
  ExchangeStep consider();  // S3
  ExchangeStep unknown_policy();
  ExchangeStep claim();                    // S4
  ExchangeStep spend();                    // S5 .. S14
  Result<void> before_body(Spend& spend);  // S6 .. S8
  ExchangeStep after_unsent(Spend& spend, const Result<Response>& answer);
  Result<ExchangeReport> after_lost(const std::string& why);
  Result<ExchangeReport> after_answer(Spend& spend, const Response& answer);
  Result<ExchangeReport> after_refusal(Spend& spend, const TokenAnswer& judged);
  Result<ExchangeReport> store_granted(const GrantedTokens& granted, TimePoint received_at,
                                       std::optional<FileSwap> room, ExchangeOutcome outcome);
  Result<ExchangeReport> finish(const GrantedTokens& granted, TimePoint received_at,
                                ExchangeOutcome outcome);
  Result<ExchangeReport> lose_to(const GrantedTokens& granted, bool other_account);
  Result<ExchangeReport> report(ExchangeOutcome outcome, const StoredTokens& tokens) const;

  void remember();
  void back_off(std::optional<TimePoint> told);
  void park();
  void note(const Result<void>& done);
  void abandon_claim();
  void end_claim(const std::string& token);
  void resume_claim(const JournalHeader& header);
  JournalHeader header_of(const std::string& token, TimePoint at, bool retry) const;

  LoginStore& store_;
  const TokenEndpoint& endpoint_;
  const ExchangeRequest& request_;
  const ExchangeWorld& world_;
  ExchangeFiles files_;
  FileLock ours_;
  FamilyState state_;
  JournalRecord journal_;
  StoredLogin first_;    ///< as it stood before any lock
  StoredLogin current_;  ///< as it was read last
  ExchangeNeed need_ = ExchangeNeed::none;
  bool only_cut_off_ = false;  ///< nothing is due, an exchange is to be finished
  std::optional<RefreshClaim> claim_;
  std::chrono::nanoseconds claim_end_{};  ///< on the monotonic clock: nobody sets it back
  std::vector<std::filesystem::path> leftovers_;
  std::unique_ptr<StoreLock> cli_lock_;
  std::string attempt_;
  std::string spent_;          ///< hash of the refresh token that goes or went out
  std::string spent_account_;  ///< hash of whose it is; may be empty
  bool answer_kept_ = false;   ///< the journal has it
  std::string note_;
};

/// One request and what its hook found out.
struct ExchangeRun::Spend {
  std::chrono::nanoseconds started{};
  Duration timeout{};
  bool asked = false;     ///< the hook ran
  bool released = false;  ///< the body may have gone out
  bool cli_busy = false;
  bool changed = false;    ///< the store has another token by now
  std::string changed_to;  ///< its hash, when it is the same account's
  std::optional<Error> stopped;
  std::optional<Journal> journal;
  std::optional<FileSwap> room;
};

inline std::string hash_of(const Secret& token) {
  return token.empty() ? std::string{} : token_hash(token.reveal());
}

/// What a login is called on every host. Without an account's name the token that was there first
/// names it, on each host that got a copy of that one.
inline std::string family_of(const LoginStore& store, const StoredTokens& tokens,
                             const FamilyState& state) {
  const auto& account = tokens.account_id;
  if (account.empty() && !state.family.empty()) return state.family;
  const auto hash = hash_of(tokens.refresh_token);
  return to_hex(sha256_of_parts(
      {store.provider(), store.cli(), account.empty() ? std::string_view{hash} : account}));
}

/// An error of our own files before anything was spent.
inline Unexpected unwritable(Error error) {
  if (error.errc() == Errc::busy || error.errc() == Errc::unsafe_file)
    return fail(std::move(error));
  error.code = make_error_code(Errc::store_unwritable);
  return fail(std::move(error));
}

inline std::optional<TimePoint> ExchangeRun::end_of(const StoredTokens& tokens) const {
  // What we were granted ourselves is counted by our own clock from its receipt.
  if (state_.grant && state_.grant->access_token == hash_of(tokens.access_token))
    return state_.grant->at + state_.grant->lifetime;
  return tokens.expires_at;
}

inline bool ExchangeRun::works(const StoredTokens& tokens) const {
  if (tokens.access_token.empty()) return false;
  if (!request_.refused_token.empty() && hash_of(tokens.access_token) == request_.refused_token)
    return false;
  const auto end = end_of(tokens);
  return !end || *end > world_.now();
}

inline ExchangeNeed ExchangeRun::need_of(const StoredTokens& tokens) const {
  const auto access = hash_of(tokens.access_token);
  if (tokens.access_token.empty()) return ExchangeNeed::mandatory;
  if (!request_.refused_token.empty() && access == request_.refused_token)
    return ExchangeNeed::mandatory;
  // Somebody refreshed it since the caller looked: that is what a forced refresh wants.
  if (request_.force && hash_of(first_.tokens.refresh_token) == hash_of(tokens.refresh_token) &&
      hash_of(first_.tokens.access_token) == access)
    return ExchangeNeed::mandatory;
  const auto end = end_of(tokens);
  if (!end) return ExchangeNeed::none;
  const auto left = *end - world_.now();
  if (left < exchange_mandatory_left) return ExchangeNeed::mandatory;
  auto lifetime = tokens.lifetime;
  if (state_.grant && state_.grant->access_token == access) lifetime = state_.grant->lifetime;
  // An end further away than the whole life: a clock was set back, the end proves nothing.
  if (lifetime && left > *lifetime + std::chrono::minutes{5}) return ExchangeNeed::advisory;
  const auto window = store_.advisory_window(lifetime.value_or(left));
  const auto jitter = 0.95 + 0.1 * spread_of({world_.host_id, access});
  const Duration early{static_cast<std::int64_t>(static_cast<double>(window.count()) * jitter)};
  return left < early ? ExchangeNeed::advisory : ExchangeNeed::none;
}

inline bool ExchangeRun::other_account(std::string_view account) const {
  const auto& first = first_.tokens.account_id;
  return !first.empty() && !account.empty() && first != account;
}

inline Result<ExchangeReport> ExchangeRun::report(ExchangeOutcome outcome,
                                                  const StoredTokens& tokens) const {
  ExchangeReport report{outcome, tokens, {}, note_};
  if (const auto end = end_of(tokens)) report.tokens.expires_at = end;
  return report;
}

/// What keeps an exchange from happening now is no error while the access token works.
inline Result<ExchangeReport> ExchangeRun::not_now(Error error) const {
  const auto code = error.errc();
  const bool passes = code == Errc::busy || code == Errc::rate_limited ||
                      code == Errc::overloaded || code == Errc::network || code == Errc::timeout ||
                      code == Errc::tls;
  const auto& tokens = current_.tokens.access_token.empty() ? first_.tokens : current_.tokens;
  // Whatever still works is another account's, or of a login that has ended.
  if (code == Errc::account_changed || code == Errc::not_found) return fail(std::move(error));
  if (only_cut_off_ && need_of(tokens) == ExchangeNeed::none) {
    auto fresh = report(ExchangeOutcome::still_fresh, tokens);
    fresh->note = error.message();
    return fresh;
  }
  if (!works(tokens) || (!passes && need_ != ExchangeNeed::advisory)) return fail(std::move(error));
  auto kept = report(ExchangeOutcome::kept, tokens);
  kept->retry_at = error.retry_at;
  kept->note = error.message();
  return kept;
}

/// A text that cannot be read may be a write under way: two equal readings count, for up to 2 s.
inline Result<StoredLogin> ExchangeRun::read_settled() const {
  auto login = store_.read();
  if (login ||
      (login.error().errc() != Errc::malformed && login.error().errc() != Errc::duplicate_key))
    return login;
  std::optional<Secret> before;
  for (int turn = 0; turn < 20; ++turn) {
    world_.sleep(Duration{100});
    login = store_.read();
    if (login && before && *before == login->text) return login;
    before = login ? std::optional{login->text} : std::nullopt;
    if (!login && login.error().errc() == Errc::not_found) break;
  }
  return login;
}

inline bool ExchangeRun::content_with(const ExchangeReport& other, bool mandatory) const {
  return works(other.tokens) && (mandatory || need_of(other.tokens) != ExchangeNeed::mandatory);
}

/// S0: a token that lives long enough needs nothing, not even a lock.
inline ExchangeStep ExchangeRun::look_first() {
  auto login = read_settled();
  if (!login) {
    // What an exchange that was cut off has kept may be all there is.
    struct stat facts {};
    if (login.error().errc() != Errc::not_found || ::lstat(files_.journal.c_str(), &facts) != 0)
      return fail(std::move(login).error());
    need_ = ExchangeNeed::mandatory;
    return std::optional<ExchangeReport>{};
  }
  first_ = current_ = std::move(*login);
  auto state = load_family_state(files_.state);
  if (state) state_ = std::move(*state);
  need_ = need_of(current_.tokens);
  // An answer that was kept is stored even when nothing is due: until then its CLI has a token that
  // was spent.
  struct stat facts {};
  const bool cut_off = ::lstat(files_.journal.c_str(), &facts) == 0;
  if (need_ == ExchangeNeed::none && !cut_off)
    return std::optional{*report(ExchangeOutcome::still_fresh, current_.tokens)};
  only_cut_off_ = need_ == ExchangeNeed::none;
  if (only_cut_off_) need_ = ExchangeNeed::advisory;
  if (!state) {
    auto kept = not_now(unwritable(std::move(state).error()).error);
    if (!kept) return fail(std::move(kept).error());
    return std::optional{std::move(*kept)};
  }
  return std::optional<ExchangeReport>{};
}

inline void ExchangeRun::remember() {
  if (auto saved = save_family_state(files_.state, state_); !saved)
    note_ += (note_.empty() ? "" : "; ") + saved.error().message();
}

inline void ExchangeRun::back_off(std::optional<TimePoint> told) {
  const auto now = world_.now();
  ++state_.failures;
  auto wait =
      backoff_after(state_.failures, spread_of({world_.host_id, std::to_string(state_.failures),
                                                std::to_string(now.time_since_epoch().count())}));
  if (told) wait = std::clamp<Duration>(*told - now, std::chrono::seconds{1}, family_longest_wait);
  state_.not_before = now + wait;
  remember();
}

inline void ExchangeRun::note(const Result<void>& done) {
  if (!done) note_ += (note_.empty() ? "" : "; ") + done.error().message();
}

/// Nothing was spent under it, or the server said so.
inline void ExchangeRun::abandon_claim() {
  if (claim_) note(world_.claims->abandon(*claim_));
  claim_.reset();
}

/// The family's token is that one from now on: no other host may spend the one before.
/// @param token hash; empty: the server let the old one stay
inline void ExchangeRun::end_claim(const std::string& token) {
  if (claim_) note(world_.claims->finish(*claim_, token.empty() ? spent_ : token));
  claim_.reset();
}

/// A claim outlives its process: what the journal says was sent under it is told by whoever
/// finishes that exchange.
inline void ExchangeRun::resume_claim(const JournalHeader& header) {
  if (world_.claims != nullptr && !header.family.empty())
    claim_ = RefreshClaim{header.family, header.generation, header.fence, {}, false};
}

inline void ExchangeRun::park() {
  if (auto parked = park_journal(files_, attempt_.empty() ? random_hex() : attempt_); parked)
    note_ += (note_.empty() ? "" : "; ") +
             ("the answer for the earlier login is kept in " + parked->string());
  else
    note_ += (note_.empty() ? "" : "; ") + parked.error().message();
}

inline JournalHeader ExchangeRun::header_of(const std::string& token, TimePoint at,
                                            bool retry) const {
  const auto& account = current_.tokens.account_id;
  JournalHeader header{
      token, account.empty() ? std::string{} : token_hash(account), attempt_, 0, boot_id(), at,
      retry};
  if (claim_) {
    header.fence = claim_->fence;
    header.family = claim_->family;
    header.generation = claim_->generation;
  }
  return header;
}

/// S1 .. S14.
inline Result<ExchangeReport> ExchangeRun::under_locks() {
  // S1: nobody whose token still works waits for another process.
  auto lock =
      FileLock::take(files_.lock, need_ == ExchangeNeed::advisory ? Duration{0} : request_.patience,
                     "waiting for another refresh of this login");
  if (!lock) return not_now(unwritable(std::move(lock).error()).error);
  ours_ = std::move(*lock);
  auto state = load_family_state(files_.state);
  if (!state) return not_now(unwritable(std::move(state).error()).error);
  state_ = std::move(*state);
  if (normalise(state_, world_.now())) remember();

  auto step = recover();
  if (!step) return not_now(std::move(step).error());
  if (*step) return std::move(**step);
  leftovers_ = files_.list("tmp-");
  for (auto& parked : files_.list("parked-")) leftovers_.push_back(std::move(parked));

  const auto deadline = world_.steady() + request_.patience;
  for (int turn = 0; turn < 8; ++turn) {
    for (const auto& next : {&ExchangeRun::consider, &ExchangeRun::unknown_policy,
                             &ExchangeRun::claim, &ExchangeRun::spend}) {
      step = (this->*next)();
      if (!step) {
        cli_lock_.reset();
        return not_now(std::move(step).error());
      }
      if (*step) return std::move(**step);
    }
    if (world_.steady() >= deadline) break;
  }
  return not_now(fail(Errc::busy, "refreshing a login", store_.file().string(),
                      "its CLI is at work on it: try again")
                     .error);
}

/// S2: what an exchange that was cut off has left.
inline ExchangeStep ExchangeRun::recover() {
  auto record = load_journal(files_.journal);
  if (!record) return fail(unwritable(std::move(record).error()).error);
  journal_ = std::move(*record);
  attempt_ = journal_.header.attempt;
  if (journal_.state == JournalState::torn) {
    if (auto removed = remove_journal(files_); !removed)
      return fail(unwritable(removed.error()).error);
    journal_ = {};
  }
  if (journal_.state == JournalState::got) return recover_answer(journal_);
  return std::optional<ExchangeReport>{};
}

inline ExchangeStep ExchangeRun::recover_answer(const JournalRecord& record) {
  auto body = store_.unprotect(record.answer);
  if (!body) return fail(std::move(body).error());
  const auto granted = parse_granted_tokens(body->reveal());
  if (!granted) {  // an answer that proves nothing: the outcome is as unknown as without it
    journal_.state = JournalState::sent;
    return std::optional<ExchangeReport>{};
  }
  spent_ = record.header.token;
  spent_account_ = record.header.account;
  answer_kept_ = true;
  resume_claim(record.header);
  auto done = store_granted(*granted, record.received_at, std::nullopt, ExchangeOutcome::recovered);
  claim_.reset();  // its deadline ends it, where it was not ended now
  answer_kept_ = false;
  const auto parked = done ? std::nullopt : std::optional{done.error().errc()};
  // The caller has never known the earlier account: for the one that is there now nothing changed.
  const bool earlier_account = parked == Errc::account_changed &&
                               !current_.tokens.account_id.empty() &&
                               current_.tokens.account_id == first_.tokens.account_id;
  if (!done && !earlier_account) return fail(std::move(done).error());
  journal_ = {};
  if (!done) return std::optional<ExchangeReport>{};
  // It may have lain there for long: then it is only the token that is spent next.
  const auto end = end_of(current_.tokens);
  if (!works(current_.tokens) || (end && *end - world_.now() < exchange_mandatory_left))
    return std::optional<ExchangeReport>{};
  return std::optional{std::move(*done)};
}

/// S3: what stands in the store now decides.
inline ExchangeStep ExchangeRun::consider() {
  auto login = read_settled();
  if (!login) return fail(std::move(login).error());
  current_ = std::move(*login);
  const auto& tokens = current_.tokens;
  const auto hash = hash_of(tokens.refresh_token);
  if (other_account(tokens.account_id))
    return fail(Errc::account_changed, "refreshing a login", store_.file().string(),
                "another account logged in: scan again");
  if (journal_.state == JournalState::sent && journal_.header.token != hash) {
    if (auto removed = remove_journal(files_); !removed)
      return fail(unwritable(removed.error()).error);
    if (!hash.empty()) {
      resume_claim(journal_.header);
      end_claim(hash);
    }
    journal_ = {};
  }
  const auto need = need_of(tokens);
  const bool changed = hash != hash_of(first_.tokens.refresh_token) ||
                       hash_of(tokens.access_token) != hash_of(first_.tokens.access_token);
  if (need == ExchangeNeed::none)
    return std::optional{
        *report(changed ? ExchangeOutcome::adopted : ExchangeOutcome::still_fresh, tokens)};
  need_ = need;
  if (hash.empty() || state_.is_dead(hash))
    return fail(Errc::login_needed, "refreshing a login", store_.file().string(),
                hash.empty() ? "its CLI is logged out: log in again"
                             : "the server no longer accepts it: log in again");
  if (const auto earliest = earliest_request(state_, world_.now())) {
    auto waiting = fail(Errc::rate_limited, "refreshing a login", store_.file().string(),
                        "it was tried a short while ago");
    waiting.error.retry_at = earliest;
    return fail(std::move(waiting.error));
  }
  return std::optional<ExchangeReport>{};
}

/// The token may have been spent by a request without an answer: one late retry can lose nothing
/// more, and saves the login when the server did not get it or forgives. There is no second one.
inline ExchangeStep ExchangeRun::unknown_policy() {
  if (journal_.state != JournalState::sent) return std::optional<ExchangeReport>{};
  const auto unknown = [&](std::string hint, std::optional<TimePoint> retry_at) {
    auto error =
        fail(Errc::outcome_unknown, "refreshing a login", store_.file().string(), std::move(hint))
            .error;
    error.retry_at = retry_at;
    return error;
  };
  const auto end = end_of(current_.tokens);
  if (end && works(current_.tokens)) {  // reuse may end it as well: it is used up first
    auto kept = report(ExchangeOutcome::kept, current_.tokens);
    kept->retry_at = end;
    kept->note =
        "the server may have exchanged this login and the answer was lost; "
        "the current access token works until it ends";
    return std::optional{std::move(*kept)};
  }
  if (journal_.header.retry)
    return fail(unknown("the server may have exchanged it twice and no answer came: log in again",
                        std::nullopt));
  const auto now = world_.now();
  const auto passed =
      std::clamp<Duration>(now - journal_.header.sent_at, Duration{0}, exchange_unknown_wait);
  const auto wait = exchange_unknown_wait - passed;
  if (wait > request_.patience)
    return fail(unknown("an answer was lost: it is tried once more a little later", now + wait));
  if (wait > Duration{0}) {
    world_.sleep(wait);
    auto again = consider();
    if (!again || *again) return again;
  }
  return std::optional<ExchangeReport>{};
}

/// S4: the right to spend, where several hosts share the login.
inline ExchangeStep ExchangeRun::claim() {
  if (world_.claims == nullptr || !store_.single_use()) return std::optional<ExchangeReport>{};
  const auto hash = hash_of(current_.tokens.refresh_token);
  const auto family = family_of(store_, current_.tokens, state_);
  if (state_.family != family) {
    state_.family = family;
    if (auto saved = save_family_state(files_.state, state_); !saved)
      return fail(unwritable(saved.error()).error);
  }
  const auto length = endpoint_.connect_timeout + endpoint_.answer_timeout + exchange_unknown_wait;
  const auto begun = world_.steady();
  auto taken = world_.claims->take(family, hash, world_.host_id, length);
  if (!taken) return fail(std::move(taken).error());
  claim_end_ = begun + length;
  claim_ = std::move(*taken);
  if (claim_->after_unknown && journal_.state == JournalState::none) {
    // Another host's answer was lost: the same rule as for one of ours.
    attempt_ = random_hex();
    auto journal = Journal::create(files_, header_of(hash, world_.now(), false));
    if (!journal) {
      abandon_claim();
      return fail(unwritable(std::move(journal).error()).error);
    }
    journal_ = {JournalState::sent, journal->header(), {}, {}};
    auto step = unknown_policy();
    if (!step || *step)
      abandon_claim();
    else if (!claim_)  // another token came meanwhile, and ended the claim on this one
      return claim();
    return step;
  }
  return std::optional<ExchangeReport>{};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
