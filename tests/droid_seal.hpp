#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/encoding.hpp>

#include <openssl/evp.h>

#include <string>
#include <string_view>

/// The text of auth.v2.key that the tests use: base64 of 32 bytes.
inline constexpr std::string_view droid_test_key = "IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=";

/// What droid would write to auth.v2.file for that text.
inline std::string sealed_for_droid(std::string_view plain, std::size_t iv_size) {
  const auto key = credpool::decode_base64(droid_test_key).value();
  const std::string iv(iv_size, '3');
  std::string out(plain.size() + 16, '\0');
  std::string tag(16, '\0');
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  auto* target = reinterpret_cast<unsigned char*>(out.data());
  auto* context = EVP_CIPHER_CTX_new();
  int size = 0;
  int rest = 0;
  EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nullptr, nullptr, nullptr);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_IVLEN, static_cast<int>(iv_size), nullptr);
  EVP_EncryptInit_ex(context, nullptr, nullptr, bytes(key), bytes(iv));
  EVP_EncryptUpdate(context, target, &size, bytes(plain), static_cast<int>(plain.size()));
  EVP_EncryptFinal_ex(context, target + size, &rest);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, tag.data());
  EVP_CIPHER_CTX_free(context);
  out.resize(static_cast<std::size_t>(size + rest));
  return credpool::encode_base64url(iv) + ":" + credpool::encode_base64url(tag) + ":" +
         credpool::encode_base64url(out);
}
