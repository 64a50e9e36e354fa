#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/version.hpp>

#include <cstddef>
#include <memory>
#include <ostream>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// Bytes that must never be seen: a token, a key, the text of a credential file.
///
/// Copies share one buffer, so a secret stands in memory once; the last copy wipes it. The buffer
/// is left out of core dumps, and kept out of swap where the system allows it. There is no way to
/// print or to convert a secret; `reveal()` is the one door, easy to find in a review.
///
/// @thread_safety copies may be used from several threads; one object: caller serialises
class Secret {
 public:
  /// An empty secret.
  Secret() noexcept = default;

  /// Copies the bytes; the caller wipes its own.
  explicit Secret(std::string_view bytes);

  bool empty() const noexcept { return size() == 0; }
  std::size_t size() const noexcept;

  /// The bytes, valid as long as any copy of this secret lives.
  std::string_view reveal() const noexcept;

  /// Compares in a time that depends on the lengths only.
  friend bool operator==(const Secret& a, const Secret& b) noexcept { return a.equals(b); }

  /// Printing a secret does not compile.
  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  struct Buffer;
  bool equals(const Secret& other) const noexcept;

  std::shared_ptr<const Buffer> buffer_;
};

/// Overwrites memory in a way that the optimiser must keep.
void wipe(void* bytes, std::size_t size) noexcept;

/// Whether two byte strings are equal, in a time that depends on their lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/core/secret.ipp>
#endif
