#pragma once
// SPDX-License-Identifier: MIT

// What the login stores of kimi-cli and Kimi Code share. Internal: included by kimi_cli.ipp and
// kimi_code.ipp.

#include <credpool/impl/source/file_login_store.hpp>
#include <credpool/impl/source/kimi_login.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// What both have in common: the six members, and that refresh tokens are spent by their use.
class KimiLoginStore : public FileLoginStore {
 public:
  using FileLoginStore::FileLoginStore;

  /// Both CLIs refresh with less than max(300 s, half the life) left.
  Duration advisory_window(Duration lifetime) const noexcept override {
    return std::max(Duration{std::chrono::seconds{360}}, lifetime * 6 / 10);
  }

 protected:
  virtual KimiDialect dialect() const noexcept = 0;

  Credential login_in(const Json& document) const override {
    Credential login;
    fill_kimi_login(dialect(), document, login);
    return login;
  }
  std::optional<Duration> lifetime_in(const Json& document) const override {
    return kimi_lifetime(document);
  }
  Result<void> put(OrderedJson& document, const StoredLogin& current, const GrantedTokens& granted,
                   TimePoint now) const override {
    const auto end = end_of(granted, current, now);
    const auto set_number = [&](const char* name, double seconds) {
      // kimi-cli writes floating-point numbers, Kimi Code whole ones.
      if (dialect() == KimiDialect::cli) {
        document[name] = seconds;
      } else {
        document[name] = static_cast<std::int64_t>(seconds);
      }
    };
    set_text(document, "access_token", granted.access_token);
    set_text(document, "refresh_token", granted.refresh_token);
    set_number("expires_at", as_seconds(end));
    set_text(document, "scope", granted.scope);
    set_text(document, "token_type", granted.token_type);
    set_number("expires_in", static_cast<double>((end - now).count()) / 1000);
    return {};
  }
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
