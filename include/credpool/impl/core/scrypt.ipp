#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/impl/core/scrypt.hpp>

#include <openssl/evp.h>

#include <string>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

CREDPOOL_INLINE std::optional<Secret> scrypt(std::string_view password, std::string_view salt,
                                             std::size_t cost, std::size_t block_size,
                                             std::size_t key_size) {
  std::string key(key_size, '\0');
  const int done = EVP_PBE_scrypt(password.data(), password.size(),
                                  reinterpret_cast<const unsigned char*>(salt.data()), salt.size(),
                                  cost, block_size, 1, scrypt_most_memory,
                                  reinterpret_cast<unsigned char*>(key.data()), key.size());
  std::optional<Secret> derived;
  if (done == 1) derived.emplace(key);
  wipe(key.data(), key.size());
  return derived;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
