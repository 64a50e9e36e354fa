// SPDX-License-Identifier: MIT
#include <credpool/impl/core/kept_blocks.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace cp = credpool;

namespace {

using Blocks = cp::detail::KeptBlocks;

/// As many as there are, all at once, and given back.
void use(Blocks& blocks, std::size_t count, std::size_t bytes) {
  std::vector<Blocks::Block> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(blocks.take(bytes));
  for (const auto& block : all) blocks.put(block);
}

/// Whether there is more to tell: while AddressSanitizer looks on nothing is kept.
bool keeps() {
  Blocks blocks;
  use(blocks, 2, Blocks::smallest);
  CHECK(blocks.kept_bytes() == (cp::detail::reuses_memory ? 2 * Blocks::smallest : 0));
  return blocks.kept_bytes() != 0;
}

}  // namespace

TEST_CASE("core/kept_blocks: a block has room for what is asked for, all of it to be written") {
  Blocks blocks;
  for (const std::size_t bytes :
       {Blocks::smallest, Blocks::smallest + 1, std::size_t{300'000}, Blocks::largest}) {
    CAPTURE(bytes);
    for (int again = 0; again < 2; ++again) {
      const auto block = blocks.take(bytes);
      CHECK(block.size >= bytes);
      CHECK(block.size < 2 * bytes);
      std::memset(block.memory, 'x', block.size);
      blocks.put(block);
    }
  }
}

TEST_CASE("core/kept_blocks: what was given back is had again, by its size") {
  if (!keeps()) return;
  Blocks blocks;
  const auto small = blocks.take(Blocks::smallest);
  const auto large = blocks.take(Blocks::largest);
  blocks.put(small);
  blocks.put(large);
  CHECK(blocks.kept_bytes() == small.size + large.size);
  const auto again = blocks.take(Blocks::smallest);
  CHECK(again.memory == small.memory);
  const auto other = blocks.take(Blocks::smallest);
  CHECK(other.memory != small.memory);
  CHECK(blocks.take(Blocks::largest).memory == large.memory);
  CHECK(blocks.kept_bytes() == 0);
}

TEST_CASE("core/kept_blocks: no more is kept than is said") {
  Blocks blocks;
  use(blocks, 2 * Blocks::most / Blocks::largest, Blocks::largest);
  CHECK(blocks.kept_bytes() == (keeps() ? Blocks::most : 0));
}

TEST_CASE("core/kept_blocks: what nobody has wanted between two calls goes back") {
  if (!keeps()) return;
  Blocks blocks;
  use(blocks, 8, Blocks::smallest);
  use(blocks, 3, Blocks::largest);
  blocks.give_back_unwanted();  // all of it was wanted since the beginning
  CHECK(blocks.kept_bytes() == 8 * Blocks::smallest + 3 * Blocks::largest);
  use(blocks, 5, Blocks::smallest);
  use(blocks, 1, Blocks::largest);
  use(blocks, 2, Blocks::smallest);
  blocks.give_back_unwanted();
  CHECK(blocks.kept_bytes() == 5 * Blocks::smallest + Blocks::largest);
  const auto held = blocks.take(Blocks::largest);
  blocks.give_back_unwanted();
  CHECK(blocks.kept_bytes() == 0);
  blocks.put(held);
  blocks.give_back_unwanted();
  CHECK(blocks.kept_bytes() == Blocks::largest);
  blocks.give_back_unwanted();
  CHECK(blocks.kept_bytes() == 0);
}

TEST_CASE("core/kept_blocks: threads take and put at the same time") {
  Blocks blocks;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&blocks, thread] {
      for (int round = 0; round < 200; ++round) {
        const auto block = blocks.take(Blocks::smallest << (round % 3));
        std::memset(block.memory, thread, 64);
        std::memset(block.memory + block.size - 64, thread, 64);
        if (round % 50 == 0) blocks.give_back_unwanted();
        CHECK(block.memory[0] == thread);
        CHECK(block.memory[block.size - 1] == thread);
        blocks.put(block);
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(blocks.kept_bytes() <= 4 * (1 + 2 + 4) * Blocks::smallest);
}
