// SPDX-License-Identifier: MIT
#include <credpool/core/secret.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace cp = credpool;

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

// Nothing prints a secret or takes it for text by accident.
static_assert(Printable<std::string> && !Printable<cp::Secret>);
static_assert(!std::is_convertible_v<cp::Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string_view, cp::Secret>);

TEST_CASE("core/secret: holds its own copy of the bytes") {
  std::string source{"to\0ken", 6};
  const cp::Secret secret{source};
  cp::wipe(source.data(), source.size());
  CHECK(secret.reveal() == std::string_view{"to\0ken", 6});
  CHECK(secret.size() == 6);
  CHECK_FALSE(secret.empty());
}

TEST_CASE("core/secret: copies share one buffer, which outlives the first of them") {
  cp::Secret copy;
  {
    const cp::Secret secret{"token"};
    copy = secret;
    CHECK(copy.reveal().data() == secret.reveal().data());
  }
  CHECK(copy.reveal() == "token");
  const auto moved = std::move(copy);
  CHECK(moved.reveal() == "token");
}

TEST_CASE("core/secret: an empty one is empty text") {
  CHECK(cp::Secret{}.empty());
  CHECK(cp::Secret{""}.empty());
  CHECK(cp::Secret{}.reveal().empty());
  CHECK(cp::Secret{} == cp::Secret{""});
}

TEST_CASE("core/secret: compares by bytes") {
  CHECK(cp::Secret{"a"} == cp::Secret{"a"});
  CHECK_FALSE(cp::Secret{"a"} == cp::Secret{"b"});
  CHECK_FALSE(cp::Secret{"a"} == cp::Secret{"aa"});
  CHECK(cp::equal_in_constant_time("", ""));
  CHECK_FALSE(cp::equal_in_constant_time("a", ""));
  CHECK_FALSE(cp::equal_in_constant_time("ab", "ac"));
}

TEST_CASE("core/secret: wiping leaves zeros") {
  std::array<char, 4> bytes{'a', 'b', 'c', 'd'};
  cp::wipe(bytes.data(), 2);
  CHECK(std::string_view{bytes.data(), 4} == std::string_view{"\0\0cd", 4});
}

#if defined(__linux__)
/// The kernel's flags of the mapping that the bytes stand in, a blank around each.
static std::string flags_of_mapping(const void* bytes) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(bytes);
  std::ifstream maps{"/proc/self/smaps"};
  std::string line;
  bool is_it = false;
  while (std::getline(maps, line)) {
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::istringstream range{line};
    if (range >> std::hex >> begin >> dash >> end && dash == '-')
      is_it = begin <= wanted && wanted < end;
    if (is_it && line.starts_with("VmFlags:")) return line.substr(8) + ' ';
  }
  return {};
}

TEST_CASE(
    "core/secret: a secret of any size is in no core dump, and not in swap where it may be "
    "locked") {
  rlimit locked{};
  REQUIRE(::getrlimit(RLIMIT_MEMLOCK, &locked) == 0);
  for (const std::size_t size : {1u, 100u, 5'000u, 16'384u, 100'000u}) {
    CAPTURE(size);
    const cp::Secret secret{std::string(size, 's')};
    const auto flags = flags_of_mapping(secret.reveal().data());
    CHECK(flags.find(" dd ") != std::string::npos);
    if (locked.rlim_cur >= 4 << 20) CHECK(flags.find(" lo ") != std::string::npos);
  }
  const std::string elsewhere(100, 'x');
  CHECK(flags_of_mapping(elsewhere.data()).find(" dd ") == std::string::npos);
}
#endif

TEST_CASE(
    "core/secret: many at once in several threads keep their bytes, and places are used again") {
  const auto work = [](char letter) {
    std::vector<cp::Secret> kept;
    for (std::size_t i = 0; i < 300; ++i) {
      kept.emplace_back(std::string(1 + i * 37 % 20'000, letter));
      if (kept.size() > 20) kept.erase(kept.begin());
      for (const auto& secret : kept)
        if (secret.reveal().find_first_not_of(letter) != std::string_view::npos) return false;
    }
    return true;
  };
  std::array<bool, 4> held{};
  {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < held.size(); ++i)
      threads.emplace_back([&, i] { held[i] = work(static_cast<char>('a' + i)); });
    for (auto& thread : threads) thread.join();
  }
  CHECK(held == std::array{true, true, true, true});
  const auto* const place = cp::Secret{std::string(3'000, 'p')}.reveal().data();
  CHECK(cp::Secret{std::string(3'000, 'q')}.reveal().data() == place);
}
