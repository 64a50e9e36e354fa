#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/proxy/access_record.hpp>
#include <credpool/proxy/catalog.hpp>
#include <credpool/proxy/gate.hpp>
#include <credpool/proxy/lender.hpp>
#include <credpool/server/exchange.hpp>
#include <credpool/server/upstream.hpp>
#include <credpool/transport/message.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// What a proxy works with.
struct ProxyOptions {
  std::shared_ptr<CredentialLender> lender;
  std::shared_ptr<ProxyGate> gate;
  Upstream* upstream = nullptr;  ///< must outlive the proxy
  /// Answers of /v1/models are fetched with it, several at the same time; may block.
  std::function<Result<Response>(const Request&)> fetch;
  /// Told of every request when it ends; must not block. May be empty.
  std::function<void(const AccessRecord&)> on_access = {};
};

/// The LLM proxy: one endpoint in front of every credential of a pool.
///
/// Each request goes to a credential whose provider speaks its protocol; a rate limit, an overload,
/// a refused token or a failed connection moves it to the next one, as long as no byte of an answer
/// has reached the caller. Answers go through as they come.
/// @thread_safety safe; requests are served on their own threads
class Proxy final : public ServerHandler {
 public:
  explicit Proxy(ProxyOptions options);
  ~Proxy() override;

  /// From the next request on it serves with these.
  void use(std::shared_ptr<const ProxyCatalog> catalog);

  std::optional<Answer> admit(const RequestHead& head, std::string_view peer) override;
  void handle(std::shared_ptr<ServerExchange> exchange) override;
  Answer refusal(int status, std::string_view why) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/proxy.ipp>
#endif
