// SPDX-License-Identifier: MIT
#include "../../../tools/gateway/lease_book.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

using namespace credpool_cli;
namespace cp = credpool;
using namespace std::chrono_literals;

namespace {

/// Takes leases back and remembers how they went.
class Keeper final : public cp::LeaseKeeper {
 public:
  void take_back(const cp::LeaseTicket&, const cp::Credential&,
                 const cp::Outcome& outcome) noexcept override {
    {
      const std::lock_guard lock{mutex_};
      taken_.push_back(outcome.kind);
    }
    changed_.notify_all();
  }
  cp::Lease lease() {
    return {*this,
            {},
            std::make_shared<const cp::Credential>(
                cp::Credential::api_key("acme-cli", "acme", cp::Secret{"key"}))};
  }
  std::vector<cp::OutcomeKind> taken() const {
    const std::lock_guard lock{mutex_};
    return taken_;
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return taken_.size() >= count; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<cp::OutcomeKind> taken_;
};

}  // namespace

TEST_CASE("gateway/lease_book: a lease is given back once, by its name") {
  Keeper keeper;
  LeaseBook book;
  const auto name = book.keep(keeper.lease(), 1h);
  const auto other = book.keep(keeper.lease(), 1h);
  REQUIRE(name);
  REQUIRE(other);
  CHECK(*name != *other);
  CHECK(name->size() >= 20);
  CHECK(book.size() == 2);
  const auto used = book.end(*name, cp::Outcome::rate_limited());
  REQUIRE(used);
  CHECK(used->provider == "acme");
  CHECK(keeper.taken() == std::vector{cp::OutcomeKind::rate_limited});
  CHECK(book.end(*name, cp::Outcome::ok()).error().errc() == cp::Errc::not_found);
  CHECK(book.end("", {}).error().errc() == cp::Errc::not_found);
  CHECK(keeper.taken().size() == 1);
}

TEST_CASE("gateway/lease_book: one whose time is over ends without a verdict") {
  Keeper keeper;
  LeaseBook book;
  const auto late = book.keep(keeper.lease(), 1h);
  const auto soon = book.keep(keeper.lease(), 1ms);
  keeper.wait_for(1);
  CHECK(keeper.taken() == std::vector{cp::OutcomeKind::unknown});
  CHECK(book.end(*soon, cp::Outcome::ok()).error().errc() == cp::Errc::not_found);
  CHECK(book.end(*late, cp::Outcome::ok()));
}

TEST_CASE("gateway/lease_book: its end gives everything back") {
  Keeper keeper;
  {
    LeaseBook book;
    for (int i = 0; i < 3; ++i) REQUIRE(book.keep(keeper.lease(), 1h));
  }
  CHECK(keeper.taken() == std::vector(3, cp::OutcomeKind::unknown));
}
