#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/concept.hpp>

#include <optional>
#include <tuple>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

/// Several refresh methods: the first one that can refresh a credential does it.
///
/// A method that fails does not hand over to the next one: the refresh token may have been spent.
/// Interactive methods are passed over where nobody is there to answer. `FirstOf<>` never
/// refreshes.
template <class... R> class FirstOf {
  static_assert(
      (RefreshMethod<R> && ...),
      "every member of FirstOf must be a RefreshMethod: write "
      "static_assert(credpool::RefreshMethod<MyMethod>) after yours to see what is missing");

 public:
  static constexpr std::string_view name = "first-of";
  /// Whether every member needs a person.
  static constexpr bool interactive = sizeof...(R) > 0 && (R::interactive && ...);

  FirstOf() requires(std::default_initializable<R>&&...) = default;
  explicit FirstOf(R... methods) requires(sizeof...(R) > 0) : methods_{std::move(methods)...} {}

  bool can_refresh(const Credential& credential) const {
    return std::apply([&](const R&... method) { return (method.can_refresh(credential) || ...); },
                      methods_);
  }

  /// @errors login_needed when no member can do it now; else what that member answers
  Result<Credential> refresh(const Credential& credential, const RefreshContext& context) {
    std::optional<Result<Credential>> answer;
    const auto tried = [&](auto& method) {
      if ((method.interactive && !context.may_interact) || !method.can_refresh(credential))
        return false;
      answer = method.refresh(credential, context);
      return true;
    };
    const bool found = std::apply([&](R&... method) { return (tried(method) || ...); }, methods_);
    if (found) return std::move(*answer);
    return fail(Errc::login_needed, "refreshing " + credential.profile_id, credential.cli,
                "log in again with " + credential.cli);
  }

 private:
  std::tuple<R...> methods_;
};
static_assert(RefreshMethod<FirstOf<>>);

}  // namespace credpool::inline CREDPOOL_ABI
