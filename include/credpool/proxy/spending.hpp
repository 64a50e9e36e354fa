#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/proxy/access_record.hpp>
#include <credpool/proxy/operation.hpp>
#include <credpool/proxy/request_facts.hpp>
#include <credpool/proxy/usage.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

struct ProxyCaller;

/// A request that is about to be sent, as somebody who has to pay for it sees it.
struct SpendRequest {
  std::shared_ptr<const ProxyCaller> caller;  ///< as ProxyGate::admit() named it
  std::string_view request_id;
  Operation operation = Operation::chat_completions;
  const RequestFacts& facts;
  std::string_view body;
  std::vector<std::string_view> models;  ///< as the providers call them; one of them will serve it
};

/// What came of it.
struct Spent {
  TokenUsage usage;             ///< as the provider counted
  std::string model;            ///< that served it, as the provider calls it
  int status = 0;               ///< of the upstream's answer
  std::uint64_t events = 0;     ///< of a stream: those with data
  std::uint64_t bytes_out = 0;  ///< of the answer's body
  Ending ending = Ending::ok;
};

/// What was set aside for one request. Goes back when it is dropped without having been settled.
class Spending {
 public:
  virtual ~Spending() = default;
  /// Takes what the request has cost. Called at most once.
  /// @param done called once when that is durable or known to be impossible, at once or later, on
  ///             any thread; may be empty
  virtual void settle(const Spent& spent, std::function<void(const Result<void>&)> done) = 0;
};

/// Why a request may not be sent, in words for the caller.
struct SpendRefusal {
  int status = 402;
  std::string message;
  std::string code;  ///< for programs
};

/// Either may be there: a refusal, or what was set aside; neither: the request costs nothing.
struct Reservation {
  std::shared_ptr<Spending> spending = {};
  std::optional<SpendRefusal> refusal = {};
};

}  // namespace credpool::inline CREDPOOL_ABI
