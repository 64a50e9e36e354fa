#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/clock.hpp>
#include <credpool/core/environment.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/refresh/exchange.hpp>
#include <credpool/transport/concept.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace credpool::inline CREDPOOL_ABI {

/// Who runs an exchange, and where.
///
/// `run` refreshes the login that the credential names, as exchange() says: it may block for as
/// long as the request's patience and the endpoint's time-outs allow, is called at most once at a
/// time for one credential, and answers with the tokens as the store has them. What it needs of the
/// credential is what names it (cli, provider, places, oauth_host, account_id), never its tokens.
template <class X>
concept Exchanger = std::movable<X> &&
    requires(X& exchanger, const Credential& credential, const ExchangeRequest& request) {
  { exchanger.run(credential, request) } -> std::same_as<Result<ExchangeReport>>;
};

/// Finds the store of a login; see StoresLogins.
using LoginStoreOf = std::function<Result<std::unique_ptr<LoginStore>>(const Credential&)>;

/// What an exchange in this process works with, besides transport and clock.
struct InProcessParts {
  LoginStoreOf login_store;
  Environment environment;
  TokenEndpointSettings endpoints = {};
  std::string host_id = {};         ///< names this machine where several share a store
  RefreshClaims* claims = nullptr;  ///< null: this machine only; must outlive the exchanger
};

/// Runs the exchange in the calling thread, for programs that embed the library and for the helper.
///
/// When this process is killed between the server's answer and our journal, the login is lost:
/// front ends use HelperProcess.
///
/// @thread_safety safe when the transport's `send` and the parts are
template <Transport T, Clock C> class InProcess {
 public:
  InProcess(T transport, C clock, InProcessParts parts)
      : transport_{std::move(transport)}, clock_{std::move(clock)}, parts_{std::move(parts)} {}

  /// @errors those of the store, of token_endpoint_of() and of exchange()
  Result<ExchangeReport> run(const Credential& credential, const ExchangeRequest& request) {
    const auto store = parts_.login_store(credential);
    if (!store) return fail(store.error());
    const auto endpoint = token_endpoint_of(credential, parts_.environment, parts_.endpoints);
    if (!endpoint) return fail(endpoint.error());
    ExchangeWorld world;
    world.send = [this](const Request& sent) { return transport_.send(sent); };
    world.now = [this] { return clock_.now(); };
    world.steady = [this] { return clock_.steady(); };
    world.sleep = [](Duration time) { std::this_thread::sleep_for(time); };
    world.host_id = parts_.host_id;
    world.claims = parts_.claims;
    return exchange(**store, *endpoint, request, world);
  }

 private:
  T transport_;
  C clock_;
  InProcessParts parts_;
};

}  // namespace credpool::inline CREDPOOL_ABI
