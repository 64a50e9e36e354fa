// SPDX-License-Identifier: MIT
#include <credpool/core/secret.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <type_traits>
#include <utility>

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
