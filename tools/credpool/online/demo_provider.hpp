#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>

#include <memory>
#include <string>

namespace credpool_cli {

/// A local server that answers as the real providers do: the demo and the end-to-end tests ask it
/// instead of them. What it answers depends on words in the made-up token: "valid", "revoked",
/// "limited", "noseat", "notier". Kimi's made-up logins can be refreshed there, each token once.
/// A chat completion is answered with fixed words, whole or as a stream.
class DemoProvider {
 public:
  /// Starts on a free port of 127.0.0.1.
  /// @errors network when no port can be opened
  static credpool::Result<DemoProvider> start();

  DemoProvider(DemoProvider&&) noexcept;
  DemoProvider& operator=(DemoProvider&&) noexcept;
  ~DemoProvider();

  /// "http://127.0.0.1:<port>"; a provider's own address is this and "/<provider id>".
  std::string url() const;
  /// How many requests were answered so far.
  int requests() const noexcept;

 private:
  struct Server;
  explicit DemoProvider(std::unique_ptr<Server> server) noexcept;

  std::unique_ptr<Server> server_;
};

}  // namespace credpool_cli
