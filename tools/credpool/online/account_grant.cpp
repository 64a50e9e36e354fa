// SPDX-License-Identifier: MIT
#include "account_grant.hpp"

#include <credpool/account/keys.hpp>

#include <utility>

namespace credpool_cli {

namespace cp = credpool;

cp::Result<cp::CreditTransaction> grant_credits(cp::AccountStore& store,
                                                const cp::AccountId& account, cp::Money amount,
                                                const std::string& note, cp::TimePoint now) {
  if (amount <= cp::Money{})
    return cp::fail(cp::Errc::invalid_argument, "granting credits", "amount",
                    "it must be above zero");
  auto id = cp::new_uuid();
  if (!id) return cp::fail(id.error());
  auto credited = store.credit({.account = account,
                                .type = cp::TransactionType::grant,
                                .amount = amount,
                                .description = note.empty() ? "Granted" : note,
                                .reference = {},
                                .id = std::move(*id),
                                .now = now});
  if (!credited) return cp::fail(credited.error());
  return std::move(credited->transaction);
}

}  // namespace credpool_cli
