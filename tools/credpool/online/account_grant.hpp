#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/store.hpp>

#include <string>

namespace credpool_cli {

/// Gives an account credits without a payment.
/// @param note what the account's history says; empty: "Granted"
/// @errors invalid_argument for an amount that is not above zero; those of AccountStore::credit()
credpool::Result<credpool::CreditTransaction> grant_credits(credpool::AccountStore& store,
                                                            const credpool::AccountId& account,
                                                            credpool::Money amount,
                                                            const std::string& note,
                                                            credpool::TimePoint now);

}  // namespace credpool_cli
