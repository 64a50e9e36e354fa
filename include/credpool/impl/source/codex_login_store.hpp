#pragma once
// SPDX-License-Identifier: MIT

// The login store of codex. Internal: included by .ipp files only.

#include <credpool/impl/source/codex_store.hpp>
#include <credpool/impl/source/file_login_store.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// RFC 3339 in UTC with nine digits after the point, as codex writes it.
inline std::string codex_time(TimePoint when) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(when);
  auto text = format_iso8601(seconds);
  text.pop_back();  // the Z
  auto fraction = std::to_string(1000 + (when - seconds).count());
  return text + '.' + fraction.substr(1) + "000000Z";
}

/// codex takes no lock before it spends the refresh token, only for its write. The write locks
/// stand beside the file itself, links resolved.
///
/// @source codex 0.169.0: codex-rs/login/src/auth, system calls
class CodexLoginStore final : public FileLoginStore {
 public:
  using FileLoginStore::FileLoginStore;

  std::string_view cli() const noexcept override { return CodexCli::cli; }
  std::string_view provider() const noexcept override { return CodexCli::provider; }

  Result<std::unique_ptr<StoreLock>> lock_write(Duration patience) override {
    const auto directory = file().parent_path();
    return StoreLocksInOrder::take(
        patience, {[&](Duration left) {
                     return FlockStoreLock::take(directory / "auth.lock", left, std::string{cli()});
                   },
                   [&](Duration left) {
                     return FlockStoreLock::take(directory / "auth.json.lock", left,
                                                 std::string{cli()});
                   }});
  }
  /// There is no lock to hold: what bounds an exchange is the caller's own patience.
  Duration longest_hold() const noexcept override { return std::chrono::minutes{1}; }
  /// codex refreshes with less than 300 s left.
  Duration advisory_window(Duration) const noexcept override { return std::chrono::minutes{10}; }

 protected:
  Credential login_in(const Json& document) const override {
    const auto mode = codex_mode(document);
    if (mode == CodexMode::unknown)
      return Credential::unusable(cli(), provider(), file().string(), Reason::unknown_mode,
                                  "auth_mode is none that this version knows");
    return codex_login(document, mode, file().string());
  }
  std::optional<Duration> lifetime_in(const Json& document) const override {
    const auto* tokens = member(document, "tokens");
    const auto claims = read_jwt(tokens == nullptr ? "" : text_or_empty(*tokens, "access_token"));
    if (!claims || !claims->issued_at || !claims->expires_at ||
        *claims->expires_at <= *claims->issued_at)
      return std::nullopt;
    return *claims->expires_at - *claims->issued_at;
  }
  std::string account_in(const Json&, const Credential& login) const override {
    return login.account_id;
  }
  Result<void> put(OrderedJson& document, const StoredLogin&, const GrantedTokens& granted,
                   TimePoint now) const override {
    const auto tokens = document.find("tokens");
    if (tokens == document.end() || !tokens->is_object())
      return not_a_login("tokens is not an object");
    set_text(*tokens, "id_token", granted.id_token);
    set_text(*tokens, "access_token", granted.access_token);
    set_text(*tokens, "refresh_token", granted.refresh_token);
    document["last_refresh"] = codex_time(now);
    return {};
  }
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
