#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/gateway/session_book.hpp>

#include <credpool/impl/gateway/same_digest.hpp>
#include <credpool/impl/refresh/pkce.hpp>

#include <algorithm>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline Result<Secret> session_random() {
  auto text = oauth_random();
  if (!text) return fail(text.error());
  Secret secret{*text};
  wipe(text->data(), text->size());
  return secret;
}

}  // namespace detail

CREDPOOL_INLINE TimePoint SessionBook::end_of(const Session& session) const noexcept {
  return std::min(session.used + rules_.idle, session.begun + rules_.life);
}

CREDPOOL_INLINE void SessionBook::forget_ended(TimePoint now) {
  std::erase_if(codes_, [&](const Code& code) { return code.ends <= now; });
  std::erase_if(sessions_, [&](const Session& session) { return end_of(session) <= now; });
}

CREDPOOL_INLINE Result<Secret> SessionBook::make_code(Scopes scopes, TimePoint now) {
  auto code = detail::session_random();
  if (!code) return code;
  const std::lock_guard lock{mutex_};
  forget_ended(now);
  if (codes_.size() >= rules_.most_codes) codes_.erase(codes_.begin());
  codes_.push_back({sha256(code->reveal()), scopes & rules_.scopes, code_ends(now)});
  return code;
}

CREDPOOL_INLINE Result<NewSession> SessionBook::open(std::string_view code, TimePoint now) {
  auto cookie = detail::session_random();
  if (!cookie) return fail(cookie.error());
  auto proof = detail::session_random();
  if (!proof) return fail(proof.error());
  const auto digest = sha256(code);
  const std::lock_guard lock{mutex_};
  forget_ended(now);
  auto found = codes_.end();
  for (auto one = codes_.begin(); one != codes_.end(); ++one)  // all of them, whichever it is
    if (detail::same_digest(one->digest, digest)) found = one;
  if (found == codes_.end())
    return fail(Errc::unauthorized, "beginning a session", {},
                "the link is used up or too old: `credpool ui` makes another one");
  const auto scopes = found->scopes;
  codes_.erase(found);
  if (sessions_.size() >= rules_.most_sessions) {
    const auto idlest =
        std::min_element(sessions_.begin(), sessions_.end(),
                         [](const Session& a, const Session& b) { return a.used < b.used; });
    sessions_.erase(idlest);
  }
  sessions_.push_back({.number = ++last_number_,
                       .cookie = sha256(cookie->reveal()),
                       .proof = sha256(proof->reveal()),
                       .scopes = scopes,
                       .begun = now,
                       .used = now});
  return NewSession{std::move(*cookie), std::move(*proof), scopes, end_of(sessions_.back())};
}

CREDPOOL_INLINE std::optional<SessionRecord> SessionBook::use(std::string_view cookie,
                                                              std::string_view proof,
                                                              TimePoint now) {
  const auto cookie_digest = sha256(cookie);
  const auto proof_digest = sha256(proof);
  const std::lock_guard lock{mutex_};
  Session* found = nullptr;
  for (auto& one : sessions_) {  // all of them, whichever it is
    const bool same_cookie = detail::same_digest(one.cookie, cookie_digest);
    const bool same_proof = detail::same_digest(one.proof, proof_digest);
    if (same_cookie && same_proof) found = &one;
  }
  if (found == nullptr || end_of(*found) <= now) return std::nullopt;
  found->used = std::max(found->used, now);
  return SessionRecord{found->number, found->scopes, end_of(*found)};
}

CREDPOOL_INLINE bool SessionBook::is_open(std::uint64_t number, TimePoint now) const {
  const std::lock_guard lock{mutex_};
  return std::any_of(sessions_.begin(), sessions_.end(),
                     [&](const Session& one) { return one.number == number && end_of(one) > now; });
}

CREDPOOL_INLINE void SessionBook::close(std::uint64_t number) {
  const std::lock_guard lock{mutex_};
  std::erase_if(sessions_, [&](const Session& one) { return one.number == number; });
}

CREDPOOL_INLINE void SessionBook::close_all() {
  const std::lock_guard lock{mutex_};
  sessions_.clear();
  codes_.clear();
}

CREDPOOL_INLINE std::size_t SessionBook::count(TimePoint now) const {
  const std::lock_guard lock{mutex_};
  return static_cast<std::size_t>(std::count_if(
      sessions_.begin(), sessions_.end(), [&](const Session& one) { return end_of(one) > now; }));
}

}  // namespace credpool::inline CREDPOOL_ABI
