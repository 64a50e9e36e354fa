#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/reason.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(Reason reason) noexcept {
  switch (reason) {
    case Reason::none:
      return "";
    case Reason::refreshable:
      return "refreshable";
    case Reason::expiry_unknown:
      return "expiry_unknown";
    case Reason::check_eligibility:
      return "check_eligibility";
    case Reason::not_refreshable:
      return "not_refreshable";
    case Reason::signed_out:
      return "signed_out";
    case Reason::malformed:
      return "malformed";
    case Reason::duplicate_key:
      return "duplicate_key";
    case Reason::too_large:
      return "too_large";
    case Reason::too_deep:
      return "too_deep";
    case Reason::unsafe_file:
      return "unsafe_file";
    case Reason::unreadable:
      return "unreadable";
    case Reason::unsafe_token:
      return "unsafe_token";
    case Reason::unknown_mode:
      return "unknown_mode";
    case Reason::in_keyring:
      return "in_keyring";
    case Reason::encrypted_elsewhere:
      return "encrypted_elsewhere";
    case Reason::missing_variable:
      return "missing_variable";
    case Reason::helper_command:
      return "helper_command";
    case Reason::needs_exchange:
      return "needs_exchange";
    case Reason::service_ended:
      return "service_ended";
    case Reason::rejected:
      return "rejected";
    case Reason::client_not_allowed:
      return "client_not_allowed";
    case Reason::missing_scope:
      return "missing_scope";
    case Reason::out_of_quota:
      return "out_of_quota";
    case Reason::no_subscription:
      return "no_subscription";
    case Reason::could_not_tell:
      return "could_not_tell";
  }
  return "unknown";
}

}  // namespace credpool::inline CREDPOOL_ABI
