#pragma once
// SPDX-License-Identifier: MIT

// The login store of Qwen Code. Internal: included by .ipp files only.

#include <credpool/impl/source/file_login_store.hpp>
#include <credpool/impl/source/qwen_store.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// @source qwen-code 0.24.4, shipped program
class QwenLoginStore final : public FileLoginStore {
 public:
  using FileLoginStore::FileLoginStore;

  std::string_view cli() const noexcept override { return QwenCli::cli; }
  std::string_view provider() const noexcept override { return QwenCli::provider; }

  Result<std::unique_ptr<StoreLock>> lock_exchange(Duration patience) override {
    using namespace std::chrono;
    return OwnedFileStoreLock::take(place().parent_path() / "oauth_creds.lock",
                                    {std::string{cli()}, seconds{35}, seconds{2}}, patience);
  }
  /// Qwen Code tries for about 30 s.
  Duration longest_hold() const noexcept override { return std::chrono::seconds{28}; }
  /// Qwen Code refreshes with less than 30 s left.
  Duration advisory_window(Duration) const noexcept override { return std::chrono::minutes{2}; }
  bool cli_removes_refused() const noexcept override { return true; }

 protected:
  Credential login_in(const Json& document) const override {
    Credential login;
    fill_qwen_login(login, document);
    return login;
  }
  Result<void> put(OrderedJson& document, const StoredLogin& current, const GrantedTokens& granted,
                   TimePoint now) const override {
    set_text(document, "access_token", granted.access_token);
    set_text(document, "token_type", granted.token_type);
    set_text(document, "refresh_token", granted.refresh_token);
    set_text(document, "resource_url", granted.resource_url);
    document["expiry_date"] = end_of(granted, current, now).time_since_epoch().count();
    return {};
  }
  /// Qwen Code deletes the file when the server refuses its own refresh.
  Result<OrderedJson> anew(const StoredLogin& current,
                           const GrantedTokens& granted) const override {
    const auto& refresh =
        granted.refresh_token.empty() ? current.tokens.refresh_token : granted.refresh_token;
    if (refresh.empty()) return FileLoginStore::anew(current, granted);
    // The order of members as Qwen Code writes them.
    return OrderedJson{{"access_token", granted.access_token.reveal()},
                       {"token_type", "Bearer"},
                       {"refresh_token", refresh.reveal()}};
  }
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
