#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/error.hpp>

#include <concepts>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

namespace credpool::inline CREDPOOL_ABI {

/// The failing half of a Result, as std::unexpected is of std::expected.
struct Unexpected {
  Error error;
};

/// Makes the failing half of any Result.
///
/// @param doing what was being done, for a person ("reading the login of kimi-cli")
/// @param place path, host, setting or line:column; never a secret
/// @param hint  what to do next; may be empty
inline Unexpected fail(Errc code, std::string doing, std::string place = {},
                       std::string hint = {}) {
  return Unexpected{Error{code, std::move(doing), std::move(place), std::move(hint)}};
}
inline Unexpected fail(Error error) {
  return Unexpected{std::move(error)};
}

/// A value or an Error: a strict subset of std::expected<T, Error>, which the supported compilers
/// do not have in C++20 mode.
///
/// @thread_safety caller serialises
template <class T> class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = Error;

  Result() requires std::default_initializable<T>
  = default;
  Result(Unexpected failure) : state_{std::in_place_index<1>, std::move(failure.error)} {}
  template <class U = T>
  requires(!std::same_as<std::remove_cvref_t<U>, Result> &&
           !std::same_as<std::remove_cvref_t<U>, Unexpected> && std::constructible_from<T, U>)
      Result(U&& value)
      : state_{std::in_place_index<0>, std::forward<U>(value)} {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The value. Throws std::logic_error when there is none: a programming error.
  T& value() & { return checked(), std::get<0>(state_); }
  const T& value() const& { return checked(), std::get<0>(state_); }
  T&& value() && { return checked(), std::get<0>(std::move(state_)); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// The error. Throws std::logic_error when there is none: a programming error.
  const Error& error() const& {
    if (has_value()) throw std::logic_error{"credpool::Result: no error"};
    return std::get<1>(state_);
  }
  Error&& error() && {
    if (has_value()) throw std::logic_error{"credpool::Result: no error"};
    return std::get<1>(std::move(state_));
  }

  template <class U> T value_or(U&& fallback) const& {
    return has_value() ? std::get<0>(state_) : static_cast<T>(std::forward<U>(fallback));
  }

  /// Calls `next(value)`, which returns a Result; hands an error on as it is.
  template <class F> auto and_then(F&& next) && -> std::invoke_result_t<F, T&&> {
    if (!has_value()) return Unexpected{std::get<1>(std::move(state_))};
    return std::invoke(std::forward<F>(next), std::get<0>(std::move(state_)));
  }

  /// Calls `change(value)` and wraps what it returns; hands an error on as it is.
  template <class F> auto transform(F&& change) && -> Result<std::invoke_result_t<F, T&&>> {
    if (!has_value()) return Unexpected{std::get<1>(std::move(state_))};
    return std::invoke(std::forward<F>(change), std::get<0>(std::move(state_)));
  }

 private:
  void checked() const {
    if (!has_value()) throw std::logic_error{"credpool::Result: " + std::get<1>(state_).message()};
  }

  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <> class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  using error_type = Error;

  Result() = default;
  Result(Unexpected failure) : error_{std::move(failure.error)} {}

  bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The error. Throws std::logic_error when there is none: a programming error.
  const Error& error() const {
    if (!error_) throw std::logic_error{"credpool::Result: no error"};
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace credpool::inline CREDPOOL_ABI
