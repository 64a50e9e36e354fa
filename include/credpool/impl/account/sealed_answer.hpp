#pragma once
// SPDX-License-Identifier: MIT

// Answers that hold a key, kept so that only who has the request's secrets can read them. Internal.

#include <credpool/core/encoding.hpp>
#include <credpool/core/hash.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/impl/account/random_uuid.hpp>
#include <credpool/impl/core/aes_gcm.hpp>

#include <openssl/evp.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::string_view sealed_answer_mark = "sealed:";

inline std::string sealed_answer_key(std::string_view authorization, std::string_view name) {
  const auto digest = sha256_of_parts({"credpool answer", authorization, name});
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// AES-256-GCM; "sealed:" and base64url of nonce, tag and text.
inline Result<std::string> seal_answer(std::string_view text, std::string_view authorization,
                                       std::string_view name) {
  const auto nonce = account_random_bytes(12);
  if (!nonce) return fail(nonce.error());
  const auto key = sealed_answer_key(authorization, name);
  const auto bytes = [](std::string_view view) {
    return reinterpret_cast<const unsigned char*>(view.data());
  };
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context{
      EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
  std::string sealed(text.size() + 16, '\0');
  std::string tag(16, '\0');
  auto* out = reinterpret_cast<unsigned char*>(sealed.data());
  int written = 0;
  int rest = 0;
  if (context == nullptr ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(*nonce)) !=
          1 ||
      EVP_EncryptUpdate(context.get(), out, &written, bytes(text), static_cast<int>(text.size())) !=
          1 ||
      EVP_EncryptFinal_ex(context.get(), out + written, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, 16, tag.data()) != 1)
    return fail(Errc::io, "sealing an answer");
  sealed.resize(static_cast<std::size_t>(written) + static_cast<std::size_t>(rest));
  return std::string{sealed_answer_mark} + encode_base64url(*nonce + tag + sealed);
}

/// @return none when the secrets are not those of the request it was sealed for
inline std::optional<std::string> open_answer(std::string_view sealed,
                                              std::string_view authorization,
                                              std::string_view name) {
  if (!sealed.starts_with(sealed_answer_mark)) return std::nullopt;
  const auto bytes = decode_base64(sealed.substr(sealed_answer_mark.size()));
  if (!bytes || bytes->size() < 28) return std::nullopt;
  const std::string_view view{*bytes};
  const auto text = decrypt_aes_256_gcm(sealed_answer_key(authorization, name), view.substr(0, 12),
                                        view.substr(12, 16), view.substr(28));
  if (!text) return std::nullopt;
  return std::string{text->reveal()};
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
