// SPDX-License-Identifier: MIT
#include <credpool/store/memory.hpp>

#include <contract/pool_state_store.hpp>

#include <doctest/doctest.h>

TEST_CASE("store/memory: the contract of pool state stores") {
  const credpool::MemoryState shared;
  pool_state_store_contract([&] { return shared; });
}
