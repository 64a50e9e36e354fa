#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>
#include <credpool/server/exchange.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace credpool_cli {

/// The accounts' interface and, for every other path, the proxy: one listener for both.
class AccountSite final : public credpool::ServerHandler {
 public:
  /// Told of a key that may have been changed; must not block.
  using OnKeyChange = std::function<void(std::string_view hash)>;

  /// @param api must outlive this
  AccountSite(credpool::AccountApi& api, std::shared_ptr<credpool::ServerHandler> proxy,
              OnKeyChange on_key_change)
      : api_{api}, proxy_{std::move(proxy)}, on_key_change_{std::move(on_key_change)} {}

  std::optional<credpool::Answer> admit(const credpool::RequestHead& head,
                                        std::string_view peer) override;
  void handle(std::shared_ptr<credpool::ServerExchange> exchange) override;
  credpool::Answer refusal(int status, std::string_view why) override;

 private:
  credpool::AccountApi& api_;
  std::shared_ptr<credpool::ServerHandler> proxy_;
  OnKeyChange on_key_change_;
};

}  // namespace credpool_cli
