#pragma once
// SPDX-License-Identifier: MIT

// The steps of an exchange from the connection on: S5 to S14. Internal: included by .ipp files
// only.

#include <credpool/impl/refresh/exchange_run.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// S5 and S9: one request, whose body goes out only after before_body() said so.
inline ExchangeStep ExchangeRun::spend() {
  Spend spend;
  spent_ = hash_of(current_.tokens.refresh_token);
  const auto& account = current_.tokens.account_id;
  spent_account_ = account.empty() ? std::string{} : token_hash(account);
  auto request = refresh_request(endpoint_, current_.tokens.refresh_token);
  request.connect_timeout = std::min(request.connect_timeout, endpoint_.connect_timeout);
  request.timeout = endpoint_.answer_timeout;
  // The CLI goes on without its lock after a while: the whole request ends before that.
  const auto hold = store_.longest_hold();
  if (hold > exchange_hold_margin * 2)
    request.timeout = std::min(request.timeout, hold - exchange_hold_margin);
  spend.timeout = request.timeout;
  spend.started = world_.steady();
  request.before_body = [this, &spend]() -> Result<void> {
    auto ready = before_body(spend);
    if (!ready) spend.stopped = ready.error();
    return ready;
  };
  const auto answer = world_.send(request);
  wipe(request.body.data(), request.body.size());
  if (!spend.released) return after_unsent(spend, answer);
  auto result = answer ? after_answer(spend, *answer) : after_lost(answer.error().message());
  if (!result) return fail(std::move(result).error());
  return std::optional{std::move(*result)};
}

/// S6 to S8, while the connection stands and nothing of the token has gone out.
inline Result<void> ExchangeRun::before_body(Spend& spend) {
  if (std::exchange(spend.asked, true))
    return fail(Errc::conflict, "spending a refresh token", store_.file().string(),
                "a second request was refused");
  // S6: the CLI waits from here on.
  const auto patience = need_ == ExchangeNeed::advisory
                            ? Duration{0}
                            : std::min(exchange_cli_patience, spend.timeout / 4);
  auto lock = store_.lock_exchange(patience);
  if (!lock) {
    spend.cli_busy = lock.error().errc() == Errc::busy;
    return fail(std::move(lock).error());
  }
  cli_lock_ = std::move(*lock);
  auto login = read_settled();
  if (!login) return fail(std::move(login).error());
  if (hash_of(login->tokens.refresh_token) != spent_ || other_account(login->tokens.account_id)) {
    spend.changed = true;
    if (!other_account(login->tokens.account_id))
      spend.changed_to = hash_of(login->tokens.refresh_token);
    return fail(Errc::conflict, "refreshing a login", store_.file().string(), "it just changed");
  }
  // S7: full disks, missing rights and the like show before anything is spent.
  const auto now = world_.now();
  if (auto fit = check_replaceable(files_.target); !fit) return unwritable(fit.error());
  auto room = FileSwap::reserve(files_, login->text.size() + journal_reserve);
  if (!room) return unwritable(std::move(room).error());
  spend.room.emplace(std::move(*room));
  state_.requests.push_back(now);
  if (auto saved = save_family_state(files_.state, state_); !saved)
    return unwritable(saved.error());
  const bool retry = journal_.state == JournalState::sent;
  const auto not_sent = [&] {
    state_.requests.pop_back();
    remember();
  };
  const auto put_back = [&] {
    spend.journal.reset();
    if (!store_.single_use()) return;
    if (!retry) return note(remove_journal(files_));
    if (auto back = Journal::create(files_, journal_.header, true); !back) note(fail(back.error()));
  };
  if (store_.single_use()) {
    attempt_ = random_hex();
    auto journal = Journal::create(files_, header_of(spent_, now, retry), retry);
    if (!journal) {
      not_sent();
      if (retry) put_back();
      return unwritable(std::move(journal).error());
    }
    spend.journal.emplace(std::move(*journal));
  }
  // S8: the last looks before there is no way back.
  Result<void> ready;
  if (cli_lock_) ready = cli_lock_->still_held();
  const auto used = std::chrono::duration_cast<Duration>(world_.steady() - spend.started);
  if (ready && used > spend.timeout / 2)
    ready = fail(Errc::network, "connecting", store_.file().string(),
                 "too little time was left for the answer: try again");
  const auto answered = spend.timeout - used;
  if (ready && claim_ &&
      (world_.now() + answered >= claim_->deadline || world_.steady() + answered >= claim_end_))
    ready = fail(Errc::busy, "refreshing a login", store_.file().string(),
                 "the claim on it is about to end: try again");
  if (!ready) {
    not_sent();
    put_back();
    return ready;
  }
  spend.released = true;
  return {};
}

/// Nothing was spent: what stopped it decides whether to begin anew.
inline ExchangeStep ExchangeRun::after_unsent(Spend& spend, const Result<Response>& answer) {
  cli_lock_.reset();
  if (!spend.changed_to.empty()) end_claim(spend.changed_to);
  abandon_claim();
  if (spend.changed) return std::optional<ExchangeReport>{};
  if (spend.cli_busy && need_ != ExchangeNeed::advisory) {
    // Wait for the CLI without a connection, then begin anew: it has probably refreshed.
    auto turn = store_.lock_exchange(request_.patience);
    if (!turn) return fail(std::move(turn).error());
    return std::optional<ExchangeReport>{};
  }
  if (spend.stopped) return fail(std::move(*spend.stopped));
  back_off(std::nullopt);
  auto error = answer ? fail(Errc::network, "refreshing a login", endpoint_.provider,
                             "the server answered before it had the request")
                            .error
                      : answer.error();
  error.retry_at = state_.not_before;
  return fail(std::move(error));
}

/// No answer, or none that can be believed, to a token that may have been spent.
inline Result<ExchangeReport> ExchangeRun::after_lost(const std::string& why) {
  cli_lock_.reset();
  if (!store_.single_use()) {
    back_off(std::nullopt);
    abandon_claim();
    auto error = fail(Errc::network, "refreshing a login", endpoint_.provider, why).error;
    error.retry_at = state_.not_before;
    return fail(std::move(error));
  }
  auto error =
      fail(Errc::outcome_unknown, "refreshing a login", store_.file().string(),
           "no usable answer came (" + why + "): it is tried once more, at least 10 s later")
          .error;
  error.retry_at = world_.now() + exchange_unknown_wait;
  return fail(std::move(error));
}

/// S10 and S11: kept before anything else, then judged.
inline Result<ExchangeReport> ExchangeRun::after_answer(Spend& spend, const Response& answer) {
  const auto now = world_.now();
  const bool success = answer.status >= 200 && answer.status < 300;
  if (success && spend.journal) {
    Result<void> kept;
    if (auto sealed = store_.protect(Secret{answer.body}); !sealed)
      kept = fail(std::move(sealed).error());
    else
      kept = spend.journal->keep(*sealed, now);
    // The answer is still in memory: the login's file may take it all the same.
    answer_kept_ = kept.has_value();
    note(kept);
  }
  auto judged = classify_token_answer(endpoint_.provider, answer, now);
  // Where it points to gets no token of ours.
  if (answer.status >= 300 && answer.status < 400) judged.verdict = TokenVerdict::client_fault;
  switch (judged.verdict) {
    case TokenVerdict::ok: {
      const auto granted = parse_granted_tokens(answer.body);
      if (!granted) return after_lost("the answer cannot be used");
      return store_granted(*granted, now, std::move(spend.room), ExchangeOutcome::exchanged);
    }
    case TokenVerdict::malformed:
      return after_lost("the answer cannot be used");
    default:
      break;
  }
  const bool refused = answer.status >= 300 && answer.status < 500 && answer.status != 408;
  const bool told = judged.retry_at || !judged.code.empty();
  if (!success && !refused && !told) return after_lost("status " + std::to_string(answer.status));
  return after_refusal(spend, judged);
}

/// The server said no, and in doing so that it did not spend the token.
inline Result<ExchangeReport> ExchangeRun::after_refusal(Spend& spend, const TokenAnswer& judged) {
  cli_lock_.reset();
  const bool after_unknown = journal_.state == JournalState::sent;
  const auto settle = [&] {
    spend.journal.reset();
    abandon_claim();
    note(remove_journal(files_));
    journal_ = {};
  };
  switch (judged.verdict) {
    case TokenVerdict::dead:
    case TokenVerdict::denied:
    case TokenVerdict::code_expired: {
      // A CLI that was quicker may be writing what it got.
      for (const auto wait : {Duration{100}, Duration{900}, Duration{4'000}}) {
        world_.sleep(wait);
        auto login = read_settled();
        if (!login || hash_of(login->tokens.refresh_token) == spent_ || login->signed_out())
          continue;
        if (!other_account(login->tokens.account_id) && !login->tokens.refresh_token.empty())
          end_claim(hash_of(login->tokens.refresh_token));
        settle();
        current_ = std::move(*login);
        if (other_account(current_.tokens.account_id))
          return fail(Errc::account_changed, "refreshing a login", store_.file().string(),
                      "another account logged in: scan again");
        return report(ExchangeOutcome::adopted, current_.tokens);
      }
      remember_dead(state_, spent_);
      remember();
      settle();
      return fail(Errc::login_needed, "refreshing a login", store_.file().string(),
                  after_unknown ? "the server exchanged it and the answer was lost: log in again"
                                : "the server no longer accepts it: log in again");
    }
    case TokenVerdict::client_fault: {
      back_off(std::nullopt);
      settle();
      return fail(Errc::configuration, "refreshing a login", endpoint_.provider,
                  "the server does not accept our client or request, or sends it elsewhere; the "
                  "login is untouched");
    }
    default: {
      back_off(judged.retry_at);
      // Refused for now says nothing about a spend before that: the question stays open.
      if (after_unknown) {
        spend.journal.reset();
        auto back = Journal::create(files_, journal_.header, true);
        if (!back) note_ += back.error().message();
        abandon_claim();
      } else {
        settle();
      }
      auto error = fail(judged.retry_at ? Errc::rate_limited : Errc::overloaded,
                        "refreshing a login", endpoint_.provider, "the server asks to wait")
                       .error;
      error.retry_at = state_.not_before;
      return fail(std::move(error));
    }
  }
}

/// S12: into the login's file, unless somebody else's newer login stands there.
inline Result<ExchangeReport> ExchangeRun::store_granted(const GrantedTokens& granted,
                                                         TimePoint received_at,
                                                         std::optional<FileSwap> room,
                                                         ExchangeOutcome outcome) {
  const auto kept = [&](Error error) {
    if (answer_kept_)
      error.hint = "the new login is safe in " + files_.journal.string() +
                   " and is stored by the next refresh (" + error.message() + ')';
    else if (store_.single_use())
      error.hint = "the new login could not be kept: log in again (" + error.message() + ')';
    return fail(std::move(error));
  };
  if (!granted.account_id.empty() && !spent_account_.empty() &&
      token_hash(granted.account_id) != spent_account_) {
    if (store_.single_use()) park();
    end_claim(hash_of(granted.refresh_token));
    return fail(Errc::account_changed, "refreshing a login", store_.file().string(),
                "the server answered for another account");
  }
  bool waited = false;
  for (int turn = 0; turn < 8; ++turn) {
    auto lock = store_.lock_write(exchange_cli_patience);
    if (!lock) return kept(std::move(lock).error());
    const auto base = read_own_file(files_.target, login_file_max);
    if (!base) return kept(base.error());
    auto login =
        *base
            ? read_settled()
            : Result<StoredLogin>{fail(Errc::not_found, "reading a login", store_.file().string())};
    const bool gone = login ? login->signed_out() : login.error().errc() == Errc::not_found;
    if (!login && !gone) return kept(std::move(login).error());
    if (gone) {
      // Logged out by the user, or removed by a CLI whose own refresh was refused?
      const auto age = world_.now() - received_at;
      if (!store_.cli_removes_refused() || age > exchange_restore_age || age < Duration{0}) {
        if (store_.single_use()) park();
        end_claim(hash_of(granted.refresh_token));
        first_ = current_ = {};
        return fail(Errc::login_needed, "refreshing a login", store_.file().string(),
                    "its CLI logged out meanwhile" + (note_.empty() ? "" : "; " + note_));
      }
      if (!std::exchange(waited, true)) {
        lock->reset();
        cli_lock_.reset();
        world_.sleep(exchange_removal_wait);
        continue;
      }
    } else {
      const auto& theirs = login->tokens;
      if (hash_of(theirs.access_token) == hash_of(granted.access_token)) {
        lock->reset();
        current_ = std::move(*login);
        return finish(granted, received_at, outcome);
      }
      const bool other = !theirs.account_id.empty() && !spent_account_.empty() &&
                         token_hash(theirs.account_id) != spent_account_;
      const bool moved = hash_of(theirs.refresh_token) != spent_;
      const auto end =
          granted.lifetime ? std::optional{received_at + *granted.lifetime} : std::nullopt;
      const bool later = end && theirs.expires_at && *end > *theirs.expires_at;
      if (other || (moved && !later)) {
        current_ = std::move(*login);
        return lose_to(granted, other);
      }
    }
    const auto text = store_.rewritten(login ? *login : StoredLogin{}, granted, received_at);
    if (!text) return kept(text.error());
    if (!room) {
      auto made = FileSwap::reserve(files_, text->size());
      if (!made) return kept(std::move(made).error());
      room.emplace(std::move(*made));
    }
    if (auto written = room->write(*text, login ? login->mode : mode_t{0600}); !written)
      return kept(written.error());
    auto swapped = *base ? room->swap_with_target(**base) : room->make_anew();
    if (!swapped) return kept(std::move(swapped).error());
    if (*swapped == FileSwap::Swapped::expected) {
      const bool theirs_differs =
          login && hash_of(login->tokens.refresh_token) != spent_ && !login->signed_out();
      if (theirs_differs)
        if (auto aside = room->keep_displaced(random_hex()); !aside)
          note_ += aside.error().message();
      const bool unlocked = !*lock && !cli_lock_ && store_.single_use() && *base && !theirs_differs;
      lock->reset();
      cli_lock_.reset();
      if (unlocked) {
        // Nothing makes this CLI wait: it may have had the old file open for writing.
        world_.sleep(exchange_cli_patience);
        const auto same = room->displaced_is(**base);
        if (!same || !*same)
          if (auto aside = room->keep_displaced(random_hex()); !aside)
            note_ += aside.error().message();
      }
      if (store_.cli_removes_refused() && !std::exchange(waited, true))
        world_.sleep(exchange_removal_wait);
      // Who wrote or logged out since then is met by the next turn.
      auto after = read_settled();
      if (after && hash_of(after->tokens.access_token) == hash_of(granted.access_token)) {
        current_ = std::move(*after);
        return finish(granted, received_at, outcome);
      }
      if (!after && after.error().errc() != Errc::not_found) return kept(std::move(after).error());
    }
    room.reset();
  }
  return kept(fail(Errc::busy, "storing a refreshed login", store_.file().string(),
                   "others write it all the time")
                  .error);
}

/// S13: everything that was kept for the case of a crash goes, after the login stands.
inline Result<ExchangeReport> ExchangeRun::finish(const GrantedTokens& granted,
                                                  TimePoint received_at, ExchangeOutcome outcome) {
  state_.failures = 0;
  state_.not_before.reset();
  state_.grant.reset();
  const auto access = hash_of(granted.access_token);
  if (granted.lifetime) state_.grant = OwnGrant{access, received_at, *granted.lifetime};
  remember();
  end_claim(hash_of(current_.tokens.refresh_token));
  note(remove_journal(files_, false));  // the login in it stands in its file, synced
  for (const auto& leftover : leftovers_) ::unlink(leftover.c_str());
  return report(outcome, current_.tokens);
}

/// Two candidates, and theirs is the newer one or another account's: ours is put aside.
inline Result<ExchangeReport> ExchangeRun::lose_to(const GrantedTokens& granted,
                                                   bool other_account) {
  cli_lock_.reset();
  if (store_.single_use()) park();
  end_claim(hash_of(other_account ? granted.refresh_token : current_.tokens.refresh_token));
  if (other_account)
    return fail(Errc::account_changed, "refreshing a login", store_.file().string(),
                "another account logged in meanwhile: scan again; " + note_);
  return report(ExchangeOutcome::adopted, current_.tokens);
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
