#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/error.hpp>

namespace credpool::inline CREDPOOL_ABI {

CREDPOOL_INLINE std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::not_found:
      return "not_found";
    case Errc::permission_denied:
      return "permission_denied";
    case Errc::unsafe_file:
      return "unsafe_file";
    case Errc::too_large:
      return "too_large";
    case Errc::too_deep:
      return "too_deep";
    case Errc::malformed:
      return "malformed";
    case Errc::duplicate_key:
      return "duplicate_key";
    case Errc::unsupported:
      return "unsupported";
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::io:
      return "io";
    case Errc::timeout:
      return "timeout";
    case Errc::network:
      return "network";
    case Errc::tls:
      return "tls";
    case Errc::http_status:
      return "http_status";
    case Errc::unauthorized:
      return "unauthorized";
    case Errc::forbidden:
      return "forbidden";
    case Errc::rate_limited:
      return "rate_limited";
    case Errc::quota_exhausted:
      return "quota_exhausted";
    case Errc::overloaded:
      return "overloaded";
    case Errc::login_needed:
      return "login_needed";
    case Errc::outcome_unknown:
      return "outcome_unknown";
    case Errc::busy:
      return "busy";
    case Errc::account_changed:
      return "account_changed";
    case Errc::store_unwritable:
      return "store_unwritable";
    case Errc::no_credential:
      return "no_credential";
    case Errc::conflict:
      return "conflict";
    case Errc::cancelled:
      return "cancelled";
    case Errc::configuration:
      return "configuration";
  }
  return "unknown";
}

namespace detail {

inline const char* meaning(Errc code) noexcept {
  switch (code) {
    case Errc::not_found:
      return "not found";
    case Errc::permission_denied:
      return "permission denied";
    case Errc::unsafe_file:
      return "not a file that is safe to use";
    case Errc::too_large:
      return "too large";
    case Errc::too_deep:
      return "nested too deeply";
    case Errc::malformed:
      return "malformed";
    case Errc::duplicate_key:
      return "a key stands twice";
    case Errc::unsupported:
      return "not supported";
    case Errc::invalid_argument:
      return "invalid argument";
    case Errc::io:
      return "input/output error";
    case Errc::timeout:
      return "timed out";
    case Errc::network:
      return "network error";
    case Errc::tls:
      return "TLS error";
    case Errc::http_status:
      return "unexpected HTTP status";
    case Errc::unauthorized:
      return "credential not accepted";
    case Errc::forbidden:
      return "not allowed";
    case Errc::rate_limited:
      return "rate limited";
    case Errc::quota_exhausted:
      return "quota exhausted";
    case Errc::overloaded:
      return "provider overloaded";
    case Errc::login_needed:
      return "login needed";
    case Errc::outcome_unknown:
      return "outcome unknown";
    case Errc::busy:
      return "busy";
    case Errc::account_changed:
      return "the store now holds another account";
    case Errc::store_unwritable:
      return "the store cannot be written";
    case Errc::no_credential:
      return "no credential can serve this";
    case Errc::conflict:
      return "conflict";
    case Errc::cancelled:
      return "cancelled";
    case Errc::configuration:
      return "configuration error";
  }
  return "unknown error";
}

class ErrorCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "credpool"; }
  std::string message(int code) const override { return meaning(static_cast<Errc>(code)); }
};

class ConditionCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "credpool-condition"; }

  std::string message(int condition) const override {
    switch (static_cast<Condition>(condition)) {
      case Condition::try_next_credential:
        return "another credential may serve";
      case Condition::retry_later:
        return "may work later";
      case Condition::login_needed:
        return "a person must log in again";
      case Condition::caller_mistake:
        return "the request or a setting is wrong";
    }
    return "unknown condition";
  }

  bool equivalent(const std::error_code& code, int condition) const noexcept override {
    if (code.category() != credpool::error_category()) return false;
    const auto errc = static_cast<Errc>(code.value());
    switch (static_cast<Condition>(condition)) {
      case Condition::try_next_credential:
        return errc == Errc::rate_limited || errc == Errc::quota_exhausted ||
               errc == Errc::unauthorized || errc == Errc::overloaded ||
               errc == Errc::login_needed || errc == Errc::network || errc == Errc::tls ||
               errc == Errc::timeout;
      case Condition::retry_later:
        return errc == Errc::rate_limited || errc == Errc::quota_exhausted ||
               errc == Errc::overloaded || errc == Errc::network || errc == Errc::timeout ||
               errc == Errc::busy || errc == Errc::no_credential;
      case Condition::login_needed:
        return errc == Errc::login_needed;
      case Condition::caller_mistake:
        return errc == Errc::invalid_argument || errc == Errc::configuration ||
               errc == Errc::unsupported;
    }
    return false;
  }
};

}  // namespace detail

CREDPOOL_INLINE const std::error_category& error_category() noexcept {
  static const detail::ErrorCategory category;
  return category;
}

CREDPOOL_INLINE const std::error_category& condition_category() noexcept {
  static const detail::ConditionCategory category;
  return category;
}

CREDPOOL_INLINE std::string Error::message() const {
  std::string text = doing;
  if (!place.empty()) text += (text.empty() ? "" : ": ") + place;
  text += (text.empty() ? "" : ": ") + code.message();
  if (http_status) text += " (HTTP " + std::to_string(*http_status) + ")";
  if (!hint.empty()) text += "; " + hint;
  return text;
}

CREDPOOL_INLINE int exit_code(const Error& error) noexcept {
  switch (error.errc()) {
    case Errc::invalid_argument:
    case Errc::configuration:
      return 3;
    case Errc::login_needed:
      return 4;
    case Errc::outcome_unknown:
      return 5;
    default:
      return 1;
  }
}

}  // namespace credpool::inline CREDPOOL_ABI
