#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/kind.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::api_key:
      return "api_key";
    case Kind::oauth:
      return "oauth";
    case Kind::token:
      return "token";
    case Kind::command:
      return "command";
  }
  return "unknown";
}

CREDPOOL_INLINE std::string_view to_string(Ownership ownership) noexcept {
  switch (ownership) {
    case Ownership::borrow:
      return "borrow";
    case Ownership::co_own:
      return "co_own";
    case Ownership::adopt:
      return "adopt";
  }
  return "unknown";
}

CREDPOOL_INLINE std::string_view to_string(Status status) noexcept {
  switch (status) {
    case Status::active:
      return "active";
    case Status::expiring:
      return "expiring";
    case Status::expired:
      return "expired";
    case Status::invalid:
      return "invalid";
    case Status::revoked:
      return "revoked";
    case Status::needs_login:
      return "needs_login";
    case Status::disabled:
      return "disabled";
  }
  return "unknown";
}

}  // namespace credpool::inline CREDPOOL_ABI
