#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/secret.hpp>
#include <credpool/proxy/spending.hpp>
#include <credpool/server/request_head.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

/// Whom a gate let in. It lives as long as the request, or until its connection ends.
struct ProxyCaller {
  explicit ProxyCaller(std::string of) : name{std::move(of)} {}
  virtual ~ProxyCaller() = default;

  std::string name;  ///< for the log
};

/// Who asks, or why the request is refused; neither: the key is missing or wrong.
struct ProxyAdmission {
  std::shared_ptr<const ProxyCaller> caller = {};
  std::optional<SpendRefusal> refusal = {};
};

/// Who may use the proxy.
/// @thread_safety safe
class ProxyGate {
 public:
  virtual ~ProxyGate() = default;
  /// Called once for each request, before its body is read, on an event loop: must not wait.
  /// @param key        what the caller presented; empty: nothing
  /// @param body_bytes of the request's body, as its head says; none: the head does not say
  virtual ProxyAdmission admit(std::string_view key, std::optional<std::uint64_t> body_bytes) = 0;

  /// Whether a caller may have what costs nothing (the list of models): admit() may have let in a
  /// key that it did not know. Called on an event loop, so it must not wait.
  /// @param later called once, on any thread, if the answer takes time; nothing is returned then
  /// @return a refusal, or a Reservation of nothing
  virtual std::optional<Reservation> confirm(std::shared_ptr<const ProxyCaller> caller,
                                             std::function<void(Reservation)> later) {
    (void)caller;
    (void)later;
    return Reservation{};
  }

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
      : key_{std::move(key)}, caller_{std::make_shared<ProxyCaller>(std::move(name))} {}

  ProxyAdmission admit(std::string_view key, std::optional<std::uint64_t>) override {
    if (key_.empty() || !equal_in_constant_time(key, key_.reveal())) return {};
    return {.caller = caller_};
  }

 private:
  Secret key_;
  std::shared_ptr<const ProxyCaller> caller_;
};

/// The key that a request presents: `Authorization: Bearer`, `x-api-key` or `api-key`; empty when
/// there is none, or when two differ.
std::string_view presented_key(const RequestHead& head) noexcept;

/// How long a request's body is, as its head says; none when it does not say, or nonsense.
std::optional<std::uint64_t> told_body_bytes(const RequestHead& head) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/gate.ipp>
#endif
