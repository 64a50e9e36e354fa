#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/refresh/api_key_web.hpp>

#include <credpool/impl/refresh/asked_secret.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Prefixes that tell whose key it is, beyond doubt. "sk-" alone is many providers'.
struct KeyPrefix {
  std::string_view prefix;
  std::string_view owner;
};
inline constexpr std::array known_key_prefixes{
    KeyPrefix{"sk-ant-", "Anthropic"}, KeyPrefix{"sk-or-", "OpenRouter"},
    KeyPrefix{"sk-proj-", "OpenAI"},   KeyPrefix{"AIza", "Google"},
    KeyPrefix{"xai-", "xAI"},          KeyPrefix{"gsk_", "Groq"},
    KeyPrefix{"ghp_", "GitHub"},       KeyPrefix{"github_pat_", "GitHub"},
    KeyPrefix{"sgamp_", "Amp"},
};

inline std::string_view key_owner(std::string_view key) {
  for (const auto& known : known_key_prefixes)
    if (key.starts_with(known.prefix)) return known.owner;
  return {};
}

/// Whether the key begins as this provider's keys do.
inline bool has_prefix_of(const LoginProvider& login, std::string_view key) {
  if (login.key_prefixes.empty()) return true;
  for (auto rest = login.key_prefixes; !rest.empty();) {
    const auto end = std::min(rest.find(' '), rest.size());
    if (key.starts_with(rest.substr(0, end))) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

/// Whether the key is another provider's beyond doubt. OpenAI's prefix "sk-" has no owner of its
/// own.
inline bool is_key_of_another(const LoginProvider& login, std::string_view key) {
  const auto owner = key_owner(key);
  if (owner.empty() || login.key_prefixes.empty()) return false;
  if (login.provider == "openai") return owner != "OpenAI";
  return owner != key_owner(login.key_prefixes);
}

}  // namespace detail

CREDPOOL_INLINE Result<Secret> check_api_key(const LoginProvider& login, std::string_view text) {
  const auto refused = [&](std::string hint) {
    return fail(Errc::malformed, "checking the key for " + std::string{login.name}, {},
                std::move(hint));
  };
  constexpr std::size_t shortest = 16;
  constexpr std::size_t longest = 1024;
  const auto key = detail::trimmed_secret(text);
  if (!is_safe_token(key)) return refused("a key is one word of printable characters");
  if (key.size() < shortest) return refused("it is too short for a key");
  if (key.size() > longest) return refused("it is too long for a key");
  if (detail::is_key_of_another(login, key))
    return refused("this is a key of " + std::string{detail::key_owner(key)} + ", not of " +
                   std::string{login.name});
  if (!detail::has_prefix_of(login, key))
    return refused("a key of " + std::string{login.name} + " begins with " +
                   std::string{login.key_prefixes});
  return Secret{key};
}

CREDPOOL_INLINE Result<Secret> api_key_web(const LoginProvider& login, const LoginWorld& world,
                                           Interaction& interaction) {
  if (login.key_page.empty())
    return fail(Errc::unsupported, "asking for a key", std::string{login.name},
                "no page is known where this provider makes keys");
  if (!login.note.empty()) interaction.progress(login.note);
  interaction.show({std::string{login.key_page}, {}, world.now() + std::chrono::hours{1}});
  return detail::asked_secret(interaction, "Key of " + std::string{login.name} + ": ",
                              [&](std::string_view text) { return check_api_key(login, text); });
}

}  // namespace credpool::inline CREDPOOL_ABI
