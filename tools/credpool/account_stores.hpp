#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/payments.hpp>
#include <credpool/account/store.hpp>
#include <credpool/config/settings.hpp>
#include <credpool/store/state_directory.hpp>

#include <memory>

namespace credpool_cli {

/// Where accounts and their payments are kept.
struct AccountStores {
  std::unique_ptr<credpool::AccountStore> accounts;
  std::unique_ptr<credpool::PaymentStore> payments;
};

/// The files in the state directory or, where the settings name one, the database that several
/// servers share.
credpool::Result<AccountStores> open_account_stores(const credpool::Settings& settings,
                                                    const credpool::StateDirectory& directory,
                                                    const credpool::Environment& environment);

/// Those in the state directory.
credpool::Result<AccountStores> open_account_files(const credpool::StateDirectory& directory,
                                                   const credpool::Environment& environment);

}  // namespace credpool_cli
