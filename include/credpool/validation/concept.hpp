#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>
#include <credpool/validation/verdict.hpp>

#include <concepts>

namespace credpool::inline CREDPOOL_ABI {

/// Finds out whether a credential works, by asking its provider.
///
/// `validate` changes nothing, never throws and always ends in bounded time; a credential that
/// cannot be asked about gets a verdict with `probed == false`. docs/concepts/Validator.md has
/// the full contract.
template <class V>
concept Validator = requires(V& validator, const Credential& credential, TimePoint now) {
  { validator.validate(credential, now) } -> std::same_as<Verdict>;
};

}  // namespace credpool::inline CREDPOOL_ABI
