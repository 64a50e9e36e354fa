// SPDX-License-Identifier: MIT
#include <credpool/impl/core/byte_scan.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace cp = credpool;

namespace {

/// Every length up to where blocks of all sizes have been used, with nothing wanted, and with two
/// wanted bytes of which the first counts. The texts end where their memory does.
template <class Wanted> void check(const std::string& wanted, char other) {
  for (std::size_t size = 0; size < 900; size += size < 200 ? 1 : 13) {
    std::vector<char> text(size, other);
    const char* const begin = text.data();
    const char* const end = begin + size;
    CHECK(cp::detail::scan_for<Wanted>(begin, end) == end);
    for (std::size_t at = 0; at < size; at += size < 200 ? 1 : 7) {
      text[at] = wanted[at % wanted.size()];
      const auto later = std::min(at + 1 + at % 40, size - 1);
      const char kept = text[later];
      text[later] = wanted.front();
      const bool found = cp::detail::scan_for<Wanted>(begin, end) == begin + at;
      CHECK_MESSAGE(found, "byte ", at, " of ", size);
      text[later] = kept;
      text[at] = other;
    }
  }
}

}  // namespace

TEST_CASE("core/byte_scan: the first wanted byte, wherever it stands") {
  using Letters = std::string;
  check<cp::detail::ScanJsonString>(Letters{"\"\\\x1f\x01\x80\xff"} + '\0', ' ');
  check<cp::detail::ScanJsonString>("\"\\", '\x7f');
  check<cp::detail::ScanEither<'\n', '\r'>>("\n\r", 'x');
  check<cp::detail::ScanControl>(Letters{"\x1f\x01\x7f\n"} + '\0', '\t');
  check<cp::detail::ScanControl>("\x7f", '\x80');
}

TEST_CASE("core/byte_scan: each byte by itself, alone and in a block") {
  const auto same = []<class Wanted>(Wanted) {
    for (int value = 0; value < 256; ++value) {
      const char byte = static_cast<char>(value);
      for (const std::size_t size : {std::size_t{1}, std::size_t{16}, std::size_t{700}}) {
        const std::string text(size, byte);
        const auto* const begin = text.data();
        const auto* const found = cp::detail::scan_for<Wanted>(begin, begin + size);
        CHECK((found == begin) == Wanted::byte(byte));
      }
    }
  };
  same(cp::detail::ScanJsonString{});
  same(cp::detail::ScanEither<'"', '\\'>{});
  same(cp::detail::ScanControl{});
}
