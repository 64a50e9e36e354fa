#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/impl/core/aes_gcm.hpp>

#include <openssl/evp.h>

#include <memory>
#include <string>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

CREDPOOL_INLINE std::optional<Secret> decrypt_aes_256_gcm(std::string_view key, std::string_view iv,
                                                          std::string_view tag,
                                                          std::string_view ciphertext) {
  constexpr std::size_t max_bytes = 1 << 24;
  if (key.size() != 32 || iv.empty() || iv.size() > 128 || tag.size() != 16 ||
      ciphertext.size() > max_bytes)
    return std::nullopt;
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context{
      EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
  std::string plain(ciphertext.size() + 16, '\0');
  auto* out = reinterpret_cast<unsigned char*>(plain.data());
  std::string wanted_tag{tag};  // OpenSSL takes it through a pointer to non-const
  int written = 0;
  int rest = 0;
  const bool good =
      context != nullptr &&
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_IVLEN, static_cast<int>(iv.size()),
                          nullptr) == 1 &&
      EVP_DecryptInit_ex(context.get(), nullptr, nullptr, bytes(key), bytes(iv)) == 1 &&
      EVP_DecryptUpdate(context.get(), out, &written, bytes(ciphertext),
                        static_cast<int>(ciphertext.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, 16, wanted_tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), out + written, &rest) == 1;
  std::optional<Secret> result;
  if (good)
    result.emplace(std::string_view{plain}.substr(
        0, static_cast<std::size_t>(written) + static_cast<std::size_t>(rest)));
  wipe(plain.data(), plain.size());
  return result;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
