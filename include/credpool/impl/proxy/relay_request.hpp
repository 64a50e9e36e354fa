#pragma once
// SPDX-License-Identifier: MIT

// What a relay is given. Internal.

#include <credpool/pool/request.hpp>
#include <credpool/proxy/access_record.hpp>
#include <credpool/proxy/catalog.hpp>
#include <credpool/proxy/gate.hpp>
#include <credpool/proxy/lender.hpp>
#include <credpool/proxy/request_facts.hpp>
#include <credpool/server/upstream.hpp>

#include <credpool/impl/proxy/response_owners.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// What a relay needs of its proxy.
struct RelayWorld {
  CredentialLender& lender;
  Upstream& upstream;
  const std::function<void(const AccessRecord&)>& on_access;
  ResponseOwners& owners;
  ProxyGate& gate;
};

/// What the caller asked for, read before a credential is chosen.
struct RelayRequest {
  std::string id;  ///< x-request-id
  std::shared_ptr<const ProxyCaller> caller;
  Operation operation = Operation::chat_completions;
  Dialect dialect = Dialect::openai;
  RequestFacts facts;
  LeaseRequest lease;  ///< without provider and model
  /// In the order in which they are tried.
  std::shared_ptr<const std::vector<ModelTarget>> targets;
  AccessRecord record;
  std::chrono::nanoseconds began{};
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
