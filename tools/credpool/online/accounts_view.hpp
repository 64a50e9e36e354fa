#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>
#include <credpool/account/store.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace credpool_cli {

/// The accounts of a running server, as who runs it works on them.
struct AccountsView {
  credpool::AccountApi& api;
  credpool::AccountStore& store;
  /// To be told of each key that was changed: the ledger asks for it again.
  std::function<void(std::string_view hash)> key_changed;
  std::function<credpool::TimePoint()> now;
  std::string payment;  ///< how people get credits
  std::string time_zone;
};

}  // namespace credpool_cli
