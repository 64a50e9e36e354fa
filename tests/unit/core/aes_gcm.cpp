// SPDX-License-Identifier: MIT
#include <credpool/core/encoding.hpp>
#include <credpool/impl/core/aes_gcm.hpp>

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <utility>

namespace cp = credpool;
using cp::detail::decrypt_aes_256_gcm;

namespace {

std::string bytes(std::string_view hex) {
  const auto decoded = cp::decode_hex(hex);
  REQUIRE(decoded);
  return {decoded->begin(), decoded->end()};
}

/// The ciphertext and its tag.
std::pair<std::string, std::string> encrypted(const std::string& key, const std::string& iv,
                                              const std::string& plain) {
  const auto data = [](const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context{
      EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
  std::string out(plain.size() + 16, '\0');
  std::string tag(16, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  int written = 0, rest = 0;
  REQUIRE(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr) == 1);
  REQUIRE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_IVLEN, static_cast<int>(iv.size()),
                              nullptr) == 1);
  REQUIRE(EVP_EncryptInit_ex(context.get(), nullptr, nullptr, data(key), data(iv)) == 1);
  REQUIRE(EVP_EncryptUpdate(context.get(), to, &written, data(plain),
                            static_cast<int>(plain.size())) == 1);
  REQUIRE(EVP_EncryptFinal_ex(context.get(), to + written, &rest) == 1);
  REQUIRE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, 16, tag.data()) == 1);
  out.resize(static_cast<std::size_t>(written + rest));
  return {out, tag};
}

}  // namespace

TEST_CASE("core/aes_gcm: test case 15 of the specification") {
  // McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B
  const auto key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const auto plain = decrypt_aes_256_gcm(
      key, bytes("cafebabefacedbaddecaf888"), bytes("b094dac5d93471bdec1a502270e3cc6c"),
      bytes("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"));
  REQUIRE(plain);
  CHECK(plain->reveal() ==
        bytes("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
              "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"));
}

TEST_CASE("core/aes_gcm: any length of text and initialisation vector, and no changed bit") {
  for (std::size_t round = 1; round <= 64; ++round) {
    CAPTURE(round);
    const std::string key(32, static_cast<char>(round * 7));
    const std::string iv(round * 2, static_cast<char>(round));
    const std::string text(round * 5 % 97, static_cast<char>('a' + round % 26));
    const auto [cipher, tag] = encrypted(key, iv, text);
    const auto plain = decrypt_aes_256_gcm(key, iv, tag, cipher);
    REQUIRE(plain);
    CHECK(plain->reveal() == text);
    const auto refused = [&](std::string k, std::string i, std::string t, std::string c) {
      CHECK_FALSE(decrypt_aes_256_gcm(k, i, t, c));
    };
    const auto changed = [&](std::string text_with) {
      text_with[round % text_with.size()] ^= 1;
      return text_with;
    };
    refused(changed(key), iv, tag, cipher);
    refused(key, changed(iv), tag, cipher);
    refused(key, iv, changed(tag), cipher);
    if (!cipher.empty()) refused(key, iv, tag, changed(cipher));
    refused(key, iv, tag, cipher + 'x');
    refused(key.substr(1), iv, tag, cipher);
    refused(key, iv, tag.substr(1), cipher);
  }
  CHECK_FALSE(decrypt_aes_256_gcm(std::string(32, 'k'), "", std::string(16, 't'), "x"));
  CHECK_FALSE(
      decrypt_aes_256_gcm(std::string(32, 'k'), std::string(129, 'i'), std::string(16, 't'), "x"));
}
