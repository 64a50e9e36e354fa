#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// What a caller may do. None of them holds another: whoever may change the settings may not for
/// that read a secret.
enum class Scope {
  read,     ///< look at what is there
  operate,  ///< look for logins, check them, lend them, end cooldowns
  admin,    ///< change settings, logins, keys and accounts
  secrets,  ///< receive the secret of a credential
};

/// The scope's name as it stands in JSON: "read".
std::string_view to_string(Scope scope) noexcept;
/// The scope of that name; none when there is no such scope.
std::optional<Scope> scope_of_name(std::string_view name) noexcept;

/// A set of scopes.
class Scopes {
 public:
  constexpr Scopes() noexcept = default;
  constexpr Scopes(std::initializer_list<Scope> scopes) noexcept {
    for (const auto scope : scopes) add(scope);
  }
  static constexpr Scopes all() noexcept {
    return {Scope::read, Scope::operate, Scope::admin, Scope::secrets};
  }

  constexpr void add(Scope scope) noexcept { bits_ |= bit(scope); }
  constexpr bool has(Scope scope) const noexcept { return (bits_ & bit(scope)) != 0; }
  constexpr bool has_all(Scopes others) const noexcept {
    return (bits_ & others.bits_) == others.bits_;
  }
  constexpr bool empty() const noexcept { return bits_ == 0; }
  /// Those that are in both.
  constexpr Scopes operator&(Scopes other) const noexcept {
    Scopes both;
    both.bits_ = bits_ & other.bits_;
    return both;
  }
  friend constexpr bool operator==(Scopes, Scopes) noexcept = default;

  /// "read operate", in the order of the enumeration.
  std::string text() const;

 private:
  static constexpr std::uint8_t bit(Scope scope) noexcept {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(scope));
  }

  std::uint8_t bits_ = 0;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/rpc/scope.ipp>
#endif
