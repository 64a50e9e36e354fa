// SPDX-License-Identifier: MIT
// Any bytes as the login of gemini-cli, as the outside of its encrypted store, or as what that
// store holds once it is decrypted; the first byte chooses which. The last two are called directly:
// on the way through discover() each input would cost 50 ms of scrypt and fail at the tag.
#include <credpool/source/gemini_cli.hpp>

#include <credpool/impl/source/gemini_store.hpp>

#include "store_fuzzer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace cp = credpool;
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 3) {
    case 0:
      fuzz_store<cp::GeminiCli>(".gemini/oauth_creds.json", bytes);
      break;
    case 1: {
      static const cp::Secret key{"0123456789abcdef0123456789abcdef"};
      const auto cipher = cp::detail::parse_gemini_cipher(bytes);
      // Nobody guesses a tag: what decrypts here was not checked.
      if (cipher && cp::detail::decrypt_gemini_store(*cipher, key)) std::abort();
      break;
    }
    default: {
      std::vector<cp::Credential> found;
      cp::FileFacts facts;
      facts.path = "/home/tester/.gemini/gemini-credentials.json";
      cp::detail::add_gemini_stored(facts, bytes, found);
      for (const auto& credential : found)
        if (credential.places.empty() || credential.cli != cp::GeminiCli::cli) std::abort();
    }
  }
  return 0;
}
