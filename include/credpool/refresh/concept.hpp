#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/credential/credential.hpp>

#include <concepts>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// What a refresh may use besides the credential itself.
struct RefreshContext {
  TimePoint now{};
  bool may_interact = false;  ///< a person is there to open a page or to type a code
};

/// Gets a new access token for a credential.
///
/// `can_refresh` looks only at the credential; `refresh` may take as long as its time-outs allow
/// and is called at most once at a time for one credential, for several at the same time. It has no
/// retry loop of its own.
///
/// @see docs/concepts/RefreshMethod.md for the table of valid expressions
template <class R>
concept RefreshMethod = std::movable<R> &&
    requires(R& method, const Credential& credential, const RefreshContext& context) {
  { method.name } -> std::convertible_to<std::string_view>;
  { method.interactive } -> std::convertible_to<bool>;
  { method.can_refresh(credential) } -> std::same_as<bool>;
  { method.refresh(credential, context) } -> std::same_as<Result<Credential>>;
};

}  // namespace credpool::inline CREDPOOL_ABI
