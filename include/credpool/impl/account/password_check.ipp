#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <credpool/account/keys.hpp>
#include <credpool/impl/account/api_state.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

CREDPOOL_INLINE Result<std::string> hash_password(ApiState& state, std::string_view password) {
  Result<std::string> hash = fail(Errc::overloaded, "hashing a password");
  state.password_turns.pass([&] { hash = state.options.passwords->hash(password); });
  return hash;
}

/// The hash of a password that nobody knows.
inline std::string nobodys_hash(ApiState& state) {
  const std::lock_guard lock{state.no_password_mutex};
  if (state.no_password.empty())
    if (const auto secret = new_uuid())
      state.no_password = state.options.passwords->hash(*secret).value_or("");
  return state.no_password;
}

CREDPOOL_INLINE ApiPasswordCheck check_password(ApiState& state, const ApiCall& call,
                                                std::string_view email, const Account* account,
                                                std::string_view password) {
  struct Guess {
    FailureBackoff& counter;
    std::string caller;
  };
  const auto peer = counted_peer(call.request.peer);
  std::vector<Guess> guesses{{state.pair_guesses, std::string{email} + '\n' + peer},
                             {state.email_guesses, std::string{email}}};
  if (!peer.empty()) guesses.push_back({state.peer_guesses, peer});
  const auto take_back = [&](std::size_t first) {
    for (auto i = first; i < guesses.size(); ++i) guesses[i].counter.take_back(guesses[i].caller);
  };

  ApiPasswordCheck check;
  for (std::size_t i = 0; i < guesses.size(); ++i) {
    const auto wait = guesses[i].counter.attempt(guesses[i].caller, call.now);
    if (!wait) continue;
    while (i-- > 0) guesses[i].counter.take_back(guesses[i].caller);
    check.refusal = api_too_many(*wait);
    return check;
  }
  const bool has_password = account != nullptr && !account->password_hash.empty();
  const bool looked = state.password_turns.pass([&] {
    const auto hash = has_password ? account->password_hash : nobodys_hash(state);
    check.right = state.options.passwords->verify(hash, password) && has_password;
  });
  if (!looked) {
    take_back(0);
    check.refusal = api_too_many(Duration{1'000});
  } else if (check.right) {
    guesses.front().counter.succeeded(guesses.front().caller);
    take_back(1);
  }
  return check;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
