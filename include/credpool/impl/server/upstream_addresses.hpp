#pragma once
// SPDX-License-Identifier: MIT

// The addresses behind an upstream's name. Internal.

#include <credpool/impl/server/loop_deadline.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Looks a host up once for all who wait, keeps the answer for a while, and gives the address that
/// worked last first.
class UpstreamAddresses {
 public:
  using Endpoint = asio::ip::tcp::endpoint;
  using Found = std::vector<Endpoint>;
  using Then = std::function<void(const Found&)>;

  UpstreamAddresses(asio::io_context& context, std::string host, std::uint16_t port)
      : resolver_{context}, host_{std::move(host)}, port_{port} {}

  /// `then` gets none when the name cannot be looked up; it may be called before this returns.
  void find(Then then) {
    asio::error_code not_an_address;
    const auto address = asio::ip::make_address(host_, not_an_address);
    if (!not_an_address) return then({{address, port_}});
    if (loop_now() < valid_until_) return then(found_);
    waiting_.push_back(std::move(then));
    if (waiting_.size() > 1) return;  // it is being asked for
    resolver_.async_resolve(host_, std::to_string(port_), asio::ip::resolver_base::numeric_service,
                            [this](const asio::error_code& failed,
                                   const asio::ip::tcp::resolver::results_type& results) {
                              found_.clear();
                              if (!failed)
                                for (const auto& entry : results)
                                  found_.push_back(entry.endpoint());
                              if (!failed) valid_until_ = loop_now() + std::chrono::seconds{30};
                              for (const auto& next : std::exchange(waiting_, {})) next(found_);
                            });
  }

  /// This one worked.
  void prefer(const Endpoint& endpoint) {
    const auto at = std::find(found_.begin(), found_.end(), endpoint);
    if (at != found_.end()) std::rotate(found_.begin(), at, at + 1);
  }
  /// None of them worked: look again next time.
  void forget() noexcept { valid_until_ = {}; }

 private:
  asio::ip::tcp::resolver resolver_;
  std::string host_;
  std::uint16_t port_;
  Found found_;
  LoopTime valid_until_{};
  std::vector<Then> waiting_;
};

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
