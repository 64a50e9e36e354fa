#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/gateway/token_book.hpp>

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

inline bool is_gateway_token_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

inline Unexpected bad_token_book(std::string_view what) {
  return fail(Errc::malformed, "reading the gateway's tokens", {},
              std::string{what} + "; remove the file to begin with none");
}

}  // namespace detail

CREDPOOL_INLINE Result<Secret> new_gateway_token() {
  auto random = detail::oauth_random();
  if (!random) return fail(random.error());
  auto text = "cpg-" + *random;
  Secret token{text};
  wipe(random->data(), random->size());
  wipe(text.data(), text.size());
  return token;
}

CREDPOOL_INLINE Result<TokenBook> TokenBook::parse(std::string_view text) {
  const auto document = detail::parse_json(text);
  if (!document) return fail(document.error());
  const auto* tokens = detail::member(*document, "tokens");
  if (tokens == nullptr || !tokens->is_array() || tokens->size() > most_tokens)
    return detail::bad_token_book("it has no list of tokens");
  TokenBook book;
  for (const auto& one : *tokens) {
    Entry entry;
    entry.record.name = detail::text_or_empty(one, "name");
    const auto digest = decode_hex(detail::text_or_empty(one, "digest"));
    const auto created = parse_iso8601(detail::text_or_empty(one, "createdAt"));
    if (!detail::is_gateway_token_name(entry.record.name) || entry.record.name == main_name ||
        book.entry(entry.record.name) != nullptr || !digest || digest->size() != Digest{}.size() ||
        !created)
      return detail::bad_token_book("a token's name, digest or date is not one");
    std::copy(digest->begin(), digest->end(), entry.digest.begin());
    entry.record.created_at = *created;
    if (const auto expires = detail::text_member(one, "expiresAt")) {
      entry.record.expires_at = parse_iso8601(*expires);
      if (!entry.record.expires_at) return detail::bad_token_book("a token's end is no date");
    }
    const auto scopes = detail::scopes_in(detail::member(one, "scopes"));
    if (!scopes) return detail::bad_token_book("a token has no scopes, or unknown ones");
    entry.record.scopes = *scopes;
    entry.record.number = ++book.last_number_;
    book.entries_.push_back(std::move(entry));
  }
  return book;
}

CREDPOOL_INLINE std::string TokenBook::text() const {
  const std::lock_guard lock{mutex_};
  auto tokens = detail::OrderedJson::array();
  for (const auto& [record, digest] : entries_) {
    if (record.name == main_name) continue;
    detail::OrderedJson one{{"name", record.name},
                            {"digest", to_hex(digest)},
                            {"scopes", detail::scope_list(record.scopes)},
                            {"createdAt", format_iso8601(record.created_at)}};
    if (record.expires_at) one["expiresAt"] = format_iso8601(*record.expires_at);
    tokens.push_back(std::move(one));
  }
  return detail::dump_json(detail::OrderedJson{{"version", 1}, {"tokens", std::move(tokens)}}, 2) +
         "\n";
}

CREDPOOL_INLINE TokenBook::Entry* TokenBook::entry(std::string_view name) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& one) { return one.record.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

CREDPOOL_INLINE void TokenBook::set_main(const Secret& token, TimePoint now) {
  const auto digest = sha256(token.reveal());
  const std::lock_guard lock{mutex_};
  auto* main = entry(main_name);
  if (main == nullptr) {
    entries_.push_back(
        {.record = {.name = std::string{main_name}, .scopes = Scopes::all()}, .digest = {}});
    main = &entries_.back();
  }
  if (detail::same_digest(main->digest, digest)) return;
  main->record.created_at = now;
  main->record.number = ++last_number_;
  main->digest = digest;
}

CREDPOOL_INLINE Result<Secret> TokenBook::create(std::string_view name, Scopes scopes,
                                                 TimePoint now,
                                                 std::optional<TimePoint> expires_at) {
  const auto refuse = [](Errc code, std::string hint) {
    return fail(code, "making a token", {}, std::move(hint));
  };
  if (!detail::is_gateway_token_name(name))
    return refuse(Errc::invalid_argument,
                  "a name has 1 to 64 letters, digits, \".\", \"-\" and \"_\"");
  if (scopes.empty())
    return refuse(Errc::invalid_argument, "give it a scope: read, operate, admin or secrets");
  if (expires_at && *expires_at <= now)
    return refuse(Errc::invalid_argument, "its end is in the past");
  auto token = new_gateway_token();
  if (!token) return token;
  const std::lock_guard lock{mutex_};
  if (name == main_name || entry(name) != nullptr)
    return refuse(Errc::conflict, "there is a token of that name; rotate or revoke it");
  if (entries_.size() >= most_tokens)
    return refuse(Errc::too_large, "there are too many; revoke some");
  entries_.push_back({.record = {.name = std::string{name},
                                 .scopes = scopes,
                                 .created_at = now,
                                 .expires_at = expires_at,
                                 .number = ++last_number_},
                      .digest = sha256(token->reveal())});
  return token;
}

CREDPOOL_INLINE Result<Secret> TokenBook::rotate(std::string_view name, TimePoint now) {
  auto token = new_gateway_token();
  if (!token) return token;
  const std::lock_guard lock{mutex_};
  auto* const there = entry(name);
  if (there == nullptr) return fail(Errc::not_found, "rotating a token");
  there->digest = sha256(token->reveal());
  there->record.created_at = now;
  there->record.number = ++last_number_;
  there->record.last_used_at.reset();
  return token;
}

CREDPOOL_INLINE Result<void> TokenBook::revoke(std::string_view name) {
  if (name == main_name)
    return fail(Errc::invalid_argument, "revoking a token", {},
                "the main token can only be rotated");
  const std::lock_guard lock{mutex_};
  if (std::erase_if(entries_, [&](const Entry& one) { return one.record.name == name; }) == 0)
    return fail(Errc::not_found, "revoking a token");
  return {};
}

CREDPOOL_INLINE std::optional<TokenRecord> TokenBook::find(std::string_view token, TimePoint now) {
  const auto digest = sha256(token);
  const std::lock_guard lock{mutex_};
  Entry* found = nullptr;
  for (auto& one : entries_)  // all of them, whichever it is
    if (detail::same_digest(one.digest, digest)) found = &one;
  if (found == nullptr || (found->record.expires_at && *found->record.expires_at <= now))
    return std::nullopt;
  found->record.last_used_at = now;
  return found->record;
}

CREDPOOL_INLINE bool TokenBook::is_good(std::uint64_t number, TimePoint now) const {
  const std::lock_guard lock{mutex_};
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& one) {
    return one.record.number == number && !(one.record.expires_at && *one.record.expires_at <= now);
  });
}

CREDPOOL_INLINE std::vector<TokenRecord> TokenBook::list() const {
  std::vector<TokenRecord> all;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& one : entries_) all.push_back(one.record);
  }
  std::sort(all.begin(), all.end(),
            [](const TokenRecord& a, const TokenRecord& b) { return a.name < b.name; });
  return all;
}

}  // namespace credpool::inline CREDPOOL_ABI
