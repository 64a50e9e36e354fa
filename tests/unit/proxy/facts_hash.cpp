// SPDX-License-Identifier: MIT
#include <credpool/impl/proxy/facts_hash.hpp>

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <unordered_set>

namespace cp = credpool;

TEST_CASE("proxy/facts_hash: the same product on every processor") {
  constexpr auto most = ~std::uint64_t{0};
  CHECK(cp::detail::facts_fold_by_halves(most, most) == (1 ^ (most - 1)));
  CHECK(cp::detail::facts_fold_by_halves(3, 5) == 15);
  CHECK(cp::detail::facts_fold_by_halves(std::uint64_t{1} << 63, 2) == 1);
  std::mt19937_64 random{11};
  for (int i = 0; i < 100'000; ++i) {
    const auto a = random() >> (random() % 64);
    const auto b = random() >> (random() % 64);
    REQUIRE(cp::detail::facts_fold(a, b) == cp::detail::facts_fold_by_halves(a, b));
  }
}

TEST_CASE("proxy/facts_hash: texts that differ a little have other hashes") {
  std::unordered_set<std::uint64_t> seen;
  std::size_t texts = 0;
  const auto note = [&](const std::string& text, std::uint64_t seed) {
    ++texts;
    seen.insert(cp::detail::facts_hash(text, seed));
  };
  // Each length, each single bit, each seed, and two blocks that changed places.
  for (std::size_t size = 0; size < 300; ++size) note(std::string(size, '\0'), 0);
  for (std::size_t size = 1; size < 300; ++size) note(std::string(size, 'a'), 0);
  for (std::size_t at = 0; at < 200; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string text(200, 'x');
      text[at] = static_cast<char>(text[at] ^ (1 << bit));
      note(text, 0);
    }
  }
  for (std::uint64_t seed = 1; seed < 100; ++seed) note("the same", seed);
  for (std::size_t block = 0; block < 10; ++block) {
    std::string text(160, 'y');
    text.replace(block * 16, 16, "0123456789abcdef");
    note(text, 0);
  }
  CHECK(seen.size() == texts);
}

TEST_CASE("proxy/facts_hash: of a long text the ends and the length count") {
  constexpr std::size_t end = 4 << 10;
  const std::string text(3 * end, 'x');
  const auto with = [&](std::size_t at) {
    auto changed = text;
    changed.at(at) = 'y';
    return cp::detail::facts_hash_of_ends(changed, 7);
  };
  const auto same = cp::detail::facts_hash_of_ends(text, 7);
  CHECK(with(0) != same);
  CHECK(with(end - 1) != same);
  CHECK(with(end) == same);
  CHECK(with(2 * end - 1) == same);
  CHECK(with(2 * end) != same);
  CHECK(with(3 * end - 1) != same);
  CHECK(cp::detail::facts_hash_of_ends(text + "x", 7) != same);
  CHECK(cp::detail::facts_hash_of_ends(text, 8) != same);
  // All of one that is shorter.
  std::unordered_set<std::uint64_t> seen;
  std::string shorter(2 * end, 'x');
  for (std::size_t at = 0; at < shorter.size(); at += 1021) {
    shorter[at] = 'y';
    seen.insert(cp::detail::facts_hash_of_ends(shorter, 7));
  }
  CHECK(seen.size() == (2 * end + 1020) / 1021);
}
