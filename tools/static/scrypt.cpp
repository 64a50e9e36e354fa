// SPDX-License-Identifier: MIT
// libsodium's scrypt in place of OpenSSL's, for the program that is to start at once.
#include <credpool/impl/core/scrypt.hpp>

#include <sodium/crypto_pwhash_scryptsalsa208sha256.h>

#include <string>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

std::optional<Secret> scrypt(std::string_view password, std::string_view salt, std::size_t cost,
                             std::size_t block_size, std::size_t key_size) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
  };
  if (block_size == 0 || cost > scrypt_most_memory / 128 / block_size) return std::nullopt;
  std::string key(key_size, '\0');
  const int failed = crypto_pwhash_scryptsalsa208sha256_ll(
      bytes(password), password.size(), bytes(salt), salt.size(), cost,
      static_cast<std::uint32_t>(block_size), 1, reinterpret_cast<std::uint8_t*>(key.data()),
      key.size());
  std::optional<Secret> derived;
  if (failed == 0) derived.emplace(key);
  wipe(key.data(), key.size());
  return derived;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
