#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/secret.hpp>
#include <credpool/proxy/spending.hpp>
#include <credpool/server/request_head.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Who may use the proxy.
/// @thread_safety safe
class ProxyGate {
 public:
  virtual ~ProxyGate() = default;
  /// @param key what the caller presented; empty: nothing
  /// @return the caller's name for the log; none: refused
  virtual std::optional<std::string> identify(std::string_view key) = 0;

  /// Whether requests cost something: reserve() is asked then, and the proxy has streams tell their
  /// usage.
  virtual bool charges() const noexcept { return false; }
  /// Sets aside what a request may cost at most. Called on an event loop, so it must not wait.
  /// @param later called once, on any thread, if the answer takes time; nothing is returned then
  virtual std::optional<Reservation> reserve(const SpendRequest& request,
                                             std::function<void(Reservation)> later) {
    (void)request;
    (void)later;
    return Reservation{};
  }
};

/// One key for everybody.
class StaticKeyGate final : public ProxyGate {
 public:
  explicit StaticKeyGate(Secret key, std::string name = "static")
      : key_{std::move(key)}, name_{std::move(name)} {}

  std::optional<std::string> identify(std::string_view key) override {
    if (key_.empty() || !equal_in_constant_time(key, key_.reveal())) return std::nullopt;
    return name_;
  }

 private:
  Secret key_;
  std::string name_;
};

/// The key that a request presents: `Authorization: Bearer`, `x-api-key` or `api-key`; empty when
/// there is none, or when two differ.
std::string_view presented_key(const RequestHead& head) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/gate.ipp>
#endif
