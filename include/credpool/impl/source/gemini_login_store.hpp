#pragma once
// SPDX-License-Identifier: MIT

// The plain login store of Gemini CLI. Internal: included by .ipp files only.

#include <credpool/impl/source/file_login_store.hpp>
#include <credpool/impl/source/gemini_store.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Gemini CLI has no lock and writes in place. Its refresh tokens may be used by several processes.
///
/// @source gemini-cli 0.61.0: code_assist/oauth2.ts
class GeminiLoginStore final : public FileLoginStore {
 public:
  using FileLoginStore::FileLoginStore;

  std::string_view cli() const noexcept override { return GeminiCli::cli; }
  std::string_view provider() const noexcept override { return GeminiCli::provider; }

  /// There is no lock to hold: what bounds an exchange is the caller's own patience.
  Duration longest_hold() const noexcept override { return std::chrono::minutes{1}; }
  Duration advisory_window(Duration lifetime) const noexcept override {
    return window_before_five_minutes(lifetime);
  }
  bool single_use() const noexcept override { return false; }

 protected:
  Credential login_in(const Json& document) const override {
    Credential login;
    fill_gemini_login(login, gemini_plain_tokens(document));
    return login;
  }
  std::string account_in(const Json& document, const Credential&) const override {
    const auto claims = read_jwt(text_or_empty(document, "id_token"));
    return claims ? claims->subject : std::string{};
  }
  Result<void> put(OrderedJson& document, const StoredLogin& current, const GrantedTokens& granted,
                   TimePoint now) const override {
    set_text(document, "access_token", granted.access_token);
    set_text(document, "refresh_token", granted.refresh_token);
    set_text(document, "scope", granted.scope);
    set_text(document, "token_type", granted.token_type);
    set_text(document, "id_token", granted.id_token);
    document["expiry_date"] = end_of(granted, current, now).time_since_epoch().count();
    return {};
  }
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
