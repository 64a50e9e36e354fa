#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/gateway/session_book.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/core/iso8601.hpp>
#include <credpool/impl/core/json.hpp>
#include <credpool/impl/gateway/same_digest.hpp>
#include <credpool/impl/gateway/scope_list.hpp>
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

inline std::optional<Digest> session_digest(const Json& session, std::string_view name) {
  const auto bytes = decode_hex(text_or_empty(session, name));
  Digest digest{};
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

}  // namespace detail

CREDPOOL_INLINE TimePoint SessionBook::end_of(const Session& session) const noexcept {
  return std::min(session.used + rules_.idle, session.begun + rules_.life);
}

CREDPOOL_INLINE void SessionBook::forget_ended(TimePoint now) {
  std::erase_if(codes_, [&](const Code& code) { return code.ends <= now; });
  std::erase_if(sessions_, [&](const Session& session) { return end_of(session) <= now; });
}

CREDPOOL_INLINE void SessionBook::make_room() {
  if (sessions_.size() < rules_.most_sessions) return;
  sessions_.erase(
      std::min_element(sessions_.begin(), sessions_.end(),
                       [](const Session& a, const Session& b) { return a.used < b.used; }));
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
  make_room();
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

CREDPOOL_INLINE std::size_t SessionBook::close_all(TimePoint now) {
  const std::lock_guard lock{mutex_};
  forget_ended(now);
  codes_.clear();
  return std::exchange(sessions_, {}).size();
}

CREDPOOL_INLINE std::string SessionBook::text(TimePoint now) const {
  const std::lock_guard lock{mutex_};
  auto sessions = detail::OrderedJson::array();
  for (const auto& one : sessions_)
    if (end_of(one) > now)
      sessions.push_back({{"cookie", to_hex(one.cookie)},
                          {"proof", to_hex(one.proof)},
                          {"scopes", detail::scope_list(one.scopes)},
                          {"begunAt", format_iso8601(one.begun)},
                          {"usedAt", format_iso8601(one.used)}});
  return detail::dump_json(detail::OrderedJson{{"version", 1}, {"sessions", std::move(sessions)}},
                           2) +
         "\n";
}

CREDPOOL_INLINE Result<void> SessionBook::load(std::string_view text, TimePoint now) {
  const auto bad = [](std::string_view what) {
    return fail(Errc::malformed, "reading the sessions of browsers", {}, std::string{what});
  };
  const auto document = detail::parse_json(text);
  if (!document) return fail(document.error());
  const auto* const list = detail::member(*document, "sessions");
  if (list == nullptr || !list->is_array() || list->size() > rules_.most_sessions)
    return bad("it has no list of sessions");
  std::vector<Session> found;
  for (const auto& one : *list) {
    const auto cookie = detail::session_digest(one, "cookie");
    const auto proof = detail::session_digest(one, "proof");
    const auto scopes = detail::scopes_in(detail::member(one, "scopes"));
    const auto begun = parse_iso8601(detail::text_or_empty(one, "begunAt"));
    const auto used = parse_iso8601(detail::text_or_empty(one, "usedAt"));
    if (!cookie || !proof || !scopes || !begun || !used)
      return bad("a session's digests, scopes or dates are none");
    // A clock that was set back makes no session longer.
    found.push_back({.cookie = *cookie,
                     .proof = *proof,
                     .scopes = *scopes & rules_.scopes,
                     .begun = std::min(*begun, now),
                     .used = std::min(*used, now)});
  }
  const std::lock_guard lock{mutex_};
  for (auto& session : found) {
    if (end_of(session) <= now) continue;
    session.number = ++last_number_;
    make_room();
    sessions_.push_back(session);
  }
  return {};
}

CREDPOOL_INLINE std::size_t SessionBook::count(TimePoint now) const {
  const std::lock_guard lock{mutex_};
  return static_cast<std::size_t>(std::count_if(
      sessions_.begin(), sessions_.end(), [&](const Session& one) { return end_of(one) > now; }));
}

}  // namespace credpool::inline CREDPOOL_ABI
