#pragma once
// SPDX-License-Identifier: MIT

// Asks a person for something secret until it has the right shape. Internal.

#include <credpool/core/encoding.hpp>
#include <credpool/refresh/interaction.hpp>

#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Without the blanks and line ends that a copied text brings along.
inline std::string_view trimmed_secret(std::string_view text) {
  while (!text.empty() && text.front() >= '\0' && text.front() <= ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() >= '\0' && text.back() <= ' ') text.remove_suffix(1);
  return text;
}

/// @param check turns what was entered into the secret, or says what is wrong with it
/// @errors those of the interaction; the last one of `check` after three tries
template <class Check>
Result<Secret> asked_secret(Interaction& interaction, std::string_view question, Check&& check) {
  constexpr int tries = 3;
  for (int i = 1;; ++i) {
    const auto entered = interaction.ask_secret(question);
    if (!entered) return fail(entered.error());
    auto secret = check(entered->reveal());
    if (secret || i == tries) return secret;
    interaction.progress(secret.error().hint);
  }
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
