// SPDX-License-Identifier: MIT
#include "redaction.hpp"

#include <array>

namespace openclaw_token {

namespace {

constexpr std::array<std::string_view, 9> beginnings{
    "sk-mgmt-", "sk-prov-", "sk-", "gho_", "ghp_", "ghu_", "ghs_", "ghr_", "github_pat_"};

bool is_key_character(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-';
}

}  // namespace

std::string without_keys(std::string_view text) {
  std::string clean;
  for (std::size_t at = 0; at < text.size();) {
    std::string_view kind;
    if (at == 0 || !is_key_character(text[at - 1]))
      for (const auto beginning : beginnings)
        if (kind.empty() && text.substr(at).starts_with(beginning)) kind = beginning;
    std::size_t end = at + kind.size();
    while (!kind.empty() && end < text.size() && is_key_character(text[end])) ++end;
    constexpr std::size_t shortest = 6;  // "sk-..." and "sk-mgmt-" alone are no keys
    if (kind.empty() || end - at < kind.size() + shortest) {
      clean += text[at++];
    } else {
      clean += std::string{kind} + "****";
      at = end;
    }
  }
  return clean;
}

}  // namespace openclaw_token
