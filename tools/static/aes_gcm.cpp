// SPDX-License-Identifier: MIT
// AES-GCM by OpenSSL's functions for it, for programs that are to start at once: asked for by name,
// it brings all of OpenSSL with it. They are deprecated for that alone.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <credpool/impl/core/aes_gcm.hpp>

#include <openssl/aes.h>
#include <openssl/modes.h>

#include <string>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

std::optional<Secret> decrypt_aes_256_gcm(std::string_view key, std::string_view iv,
                                          std::string_view tag, std::string_view ciphertext) {
  constexpr std::size_t max_bytes = 1 << 24;
  if (key.size() != 32 || iv.empty() || iv.size() > 128 || tag.size() != 16 ||
      ciphertext.size() > max_bytes)
    return std::nullopt;
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  const auto encrypt_block = [](const unsigned char* in, unsigned char* out, const void* schedule) {
    AES_encrypt(in, out, static_cast<const AES_KEY*>(schedule));
  };
  AES_KEY schedule{};
  if (AES_set_encrypt_key(bytes(key), 256, &schedule) != 0) return std::nullopt;
  auto* context = CRYPTO_gcm128_new(&schedule, encrypt_block);
  if (context == nullptr) return std::nullopt;
  std::string plain(ciphertext.size(), '\0');
  CRYPTO_gcm128_setiv(context, bytes(iv), iv.size());
  const bool good =
      CRYPTO_gcm128_decrypt(context, bytes(ciphertext),
                            reinterpret_cast<unsigned char*>(plain.data()), plain.size()) == 0 &&
      CRYPTO_gcm128_finish(context, bytes(tag), tag.size()) == 0;
  CRYPTO_gcm128_release(context);  // wipes it
  wipe(&schedule, sizeof schedule);
  std::optional<Secret> result;
  if (good) result.emplace(plain);
  wipe(plain.data(), plain.size());
  return result;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
