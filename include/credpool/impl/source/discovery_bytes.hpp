#pragma once
// SPDX-License-Identifier: MIT

// A discovery without its tokens as bytes, for DiscoveryMemo. Internal: included by .ipp files and
// fuzz targets only.

#include <credpool/source/sources.hpp>

#include <cstring>
#include <type_traits>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Values one behind the other, each text and list with its length before it, in this machine's
/// order of bytes.
class ByteWriter {
 public:
  template <class Value>
  requires std::is_arithmetic_v<Value>
  void value(const Value& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <class Value>
  requires std::is_enum_v<Value>
  void one_of(const Value& value, Value) { this->value(static_cast<std::uint8_t>(value)); }
  void value(std::string_view text) {
    size(text.size());
    bytes_ += text;
  }
  void value(const std::string& text) { value(std::string_view{text}); }
  void value(const std::filesystem::path& path) { value(std::string_view{path.native()}); }
  void value(const Digest& digest) {
    bytes_.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  void value(const TimePoint& time) { value(time.time_since_epoch().count()); }
  template <class Value, class F> void each(const std::vector<Value>& list, F&& member) {
    size(list.size());
    for (const auto& value : list) member(value);
  }
  template <class Value, class F> void each(const std::optional<Value>& one, F&& member) {
    value(static_cast<std::uint8_t>(one.has_value()));
    if (one) member(*one);
  }

  std::string take() && { return std::move(bytes_); }

 private:
  void size(std::size_t size) { value(static_cast<std::uint32_t>(size)); }

  std::string bytes_;
};

/// The reverse. What does not fit what a ByteWriter writes leaves values empty and ok() false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) noexcept : bytes_{bytes} {}

  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return ok_ && bytes_.empty(); }

  template <class Value>
  requires std::is_arithmetic_v<Value>
  void value(Value& value) {
    const auto raw = next(sizeof value);
    if (ok_) std::memcpy(&value, raw.data(), sizeof value);
  }
  void value(bool& value) {
    std::uint8_t raw = 0;
    this->value(raw);
    ok_ = ok_ && raw <= 1;
    value = raw == 1;
  }
  template <class Value>
  requires std::is_enum_v<Value>
  void one_of(Value& value, Value last) {
    std::uint8_t raw = 0;
    this->value(raw);
    ok_ = ok_ && raw <= static_cast<std::uint8_t>(last);
    if (ok_) value = static_cast<Value>(raw);
  }
  void value(std::string& text) { text = next(size()); }
  /// A part of the bytes.
  void value(std::string_view& text) { text = next(size()); }
  void value(std::filesystem::path& path) { path = next(size()); }
  void value(Digest& digest) {
    const auto raw = next(digest.size());
    if (ok_) std::memcpy(digest.data(), raw.data(), digest.size());
  }
  void value(TimePoint& time) {
    auto count = time.time_since_epoch().count();
    value(count);
    constexpr std::int64_t year_10000 = 253402300800000;
    ok_ = ok_ && count >= -year_10000 && count < year_10000;  // sums with it do not overflow
    if (ok_) time = TimePoint{Duration{count}};
  }
  template <class Value, class F> void each(std::vector<Value>& list, F&& member) {
    for (auto left = size(); ok_ && left > 0; --left) member(list.emplace_back());
  }
  template <class Value, class F> void each(std::optional<Value>& one, F&& member) {
    bool there = false;
    value(there);
    if (ok_ && there) member(one.emplace(Value{}));
  }

 private:
  /// Of a text or list: each of its elements takes a byte at least.
  std::size_t size() {
    std::uint32_t size = 0;
    value(size);
    ok_ = ok_ && size <= bytes_.size();
    return ok_ ? size : 0;
  }
  std::string_view next(std::size_t size) {
    ok_ = ok_ && size <= bytes_.size();
    if (!ok_) return {};
    const auto part = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return part;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

template <class Bytes, class Texts> void text_bytes(Bytes& bytes, Texts& texts) {
  bytes.each(texts, [&](auto& text) { bytes.value(text); });
}

template <class Bytes, class OnePlace> void place_bytes(Bytes& bytes, OnePlace& place) {
  auto& [location, pointer, warnings, cli, shared] = place;
  bytes.value(location);
  bytes.value(pointer);
  text_bytes(bytes, warnings);
  bytes.value(cli);
  bytes.value(shared);
}

/// All members but the tokens and the quotas, which must be empty. A member more does not compile.
template <class Bytes, class OneCredential>
void credential_bytes(Bytes& bytes, OneCredential& credential) {
  auto& [id, cli, provider, profile_id, kind, ownership, places, secret, refresh_token, unread,
         expires_at, refresh_at, refresh_expires_at, base_url, oauth_host, account, account_id,
         plan, scopes, quotas, priority, status, reason, detail] = credential;
  (void)secret;
  (void)refresh_token;
  (void)quotas;
  auto digest = id.digest();
  bytes.value(digest);
  if constexpr (!std::is_const_v<OneCredential>) id = CredentialId{digest};
  for (auto* text : {&cli, &provider, &profile_id, &base_url, &oauth_host, &account, &account_id,
                     &plan, &detail})
    bytes.value(*text);
  bytes.one_of(kind, Kind::command);
  bytes.one_of(ownership, Ownership::adopt);
  bytes.one_of(status, Status::disabled);
  bytes.one_of(reason, Reason::could_not_tell);
  bytes.each(places, [&](auto& place) { place_bytes(bytes, place); });
  bytes.each(unread, [&](auto& held) {
    bytes.value(held.token_hash);
    bytes.value(held.secret);
    bytes.value(held.refresh_token);
  });
  for (auto* time : {&expires_at, &refresh_at, &refresh_expires_at})
    bytes.each(*time, [&](auto& when) { bytes.value(when); });
  text_bytes(bytes, scopes);
  bytes.value(priority);
}

template <class Bytes, class Facts> void cli_bytes(Bytes& bytes, Facts& facts) {
  auto& [cli, provider, names_programs, program, found, looked_at, variables] = facts;
  bytes.value(cli);
  bytes.value(provider);
  bytes.value(names_programs);
  bytes.each(program, [&](auto& path) { bytes.value(path); });
  text_bytes(bytes, found);
  text_bytes(bytes, looked_at);
  text_bytes(bytes, variables);
}

template <class Bytes, class Found> void discovery_bytes(Bytes& bytes, Found& discovery) {
  auto& [credentials, clis, failures] = discovery;
  (void)failures;
  bytes.each(credentials, [&](auto& credential) { credential_bytes(bytes, credential); });
  bytes.each(clis, [&](auto& facts) { cli_bytes(bytes, facts); });
}

/// Without its tokens, which are known by their hash from then on.
inline std::string bytes_of_discovery(Discovery discovery) {
  for (auto& credential : discovery.credentials) {
    credential.unread = credential.known_tokens();
    credential.secret = credential.refresh_token = {};
  }
  ByteWriter bytes;
  discovery_bytes(bytes, std::as_const(discovery));
  return std::move(bytes).take();
}

/// None for bytes that are not a discovery's.
inline std::optional<Discovery> discovery_of_bytes(std::string_view text) {
  ByteReader bytes{text};
  Discovery discovery;
  discovery_bytes(bytes, discovery);
  for (const auto& credential : discovery.credentials)
    if (credential.places.empty()) return std::nullopt;
  return bytes.at_end() ? std::optional{std::move(discovery)} : std::nullopt;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
