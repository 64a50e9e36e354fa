#pragma once
// SPDX-License-Identifier: MIT

#include "accounts_view.hpp"

#include <credpool/rpc/dispatcher.hpp>

#include <optional>

namespace credpool_cli {

/// accounts.*, keys.* and credits.*: by the same code as the accounts' HTTP interface.
/// @param accounts what it holds outlives the dispatcher; none: this server has no accounts, which
///                 accounts.status says, and every other method
void add_account_methods(credpool::RpcDispatcher& dispatcher, std::optional<AccountsView> accounts);

}  // namespace credpool_cli
