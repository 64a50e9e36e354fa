#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/store/token_seal.hpp>

#include <credpool/core/encoding.hpp>
#include <credpool/core/file.hpp>
#include <credpool/impl/store/sealed_token.hpp>
#include <credpool/impl/store/sealing.hpp>

#include <algorithm>

namespace credpool::inline CREDPOOL_ABI {

namespace detail {

inline std::string shared_token_binding(std::string_view family, TimePoint expires_at) {
  return sealing_binding(
      {"credpool shared token 1", family, std::to_string(expires_at.time_since_epoch().count())});
}

inline Result<GuardedBytes> shared_key(const StateDirectory& directory,
                                       const Environment& environment) {
  if (auto started = start_sodium(); !started) return fail(started.error());
  const auto place = key_place(directory, environment);
  auto key = read_key(place, environment);
  if (!key && key.error().errc() == Errc::not_found)
    return fail(Errc::configuration, "reading the key that the hosts share", place.path.string(),
                "copy it from another host, or make it once and copy it to all of them: "
                "(umask 077; openssl rand -hex 32 > FILE)");
  return key;
}

}  // namespace detail

CREDPOOL_INLINE TokenSeal::TokenSeal(StateDirectory directory, Environment environment)
    : directory_{std::move(directory)}, environment_{std::move(environment)} {}

CREDPOOL_INLINE Result<std::string> TokenSeal::seal(std::string_view family, const Secret& token,
                                                    TimePoint expires_at) const {
  if (token.empty())
    return fail(Errc::invalid_argument, "sealing an access token", {}, "there is none");
  const auto key = detail::shared_key(directory_, environment_);
  if (!key) return fail(key.error());
  const auto text =
      detail::seal_bytes(token.reveal(), detail::shared_token_binding(family, expires_at), *key);
  return std::string{detail::sealed_token_start} + detail::key_mark(*key) + '.' +
         encode_base64url(text.nonce) + '.' + encode_base64url(text.sealed);
}

CREDPOOL_INLINE Result<Secret> TokenSeal::unseal(std::string_view family, std::string_view sealed,
                                                 TimePoint expires_at) const {
  const std::string doing = "opening a shared access token";
  const auto key = detail::shared_key(directory_, environment_);
  if (!key) return fail(key.error());
  const auto damaged = [&] {
    return fail(Errc::malformed, doing, std::string{family},
                "it was changed after it was sealed: its owner has to share it again");
  };
  if (!sealed.starts_with(detail::sealed_token_start)) return damaged();
  sealed.remove_prefix(detail::sealed_token_start.size());
  const auto mark = sealed.substr(0, sealed.find('.'));
  sealed.remove_prefix(std::min(sealed.size(), mark.size() + 1));
  if (mark != detail::key_mark(*key))
    return fail(Errc::configuration, doing,
                detail::key_place(directory_, environment_).path.string(),
                "its owner sealed it with another key: every host needs the same key file");
  const auto dot = sealed.find('.');
  if (dot == std::string_view::npos) return damaged();
  const auto nonce = decode_base64(sealed.substr(0, dot));
  const auto bytes = decode_base64(sealed.substr(dot + 1));
  auto token = nonce && bytes
                   ? detail::unseal_bytes({*nonce, *bytes},
                                          detail::shared_token_binding(family, expires_at), *key)
                   : std::nullopt;
  if (!token) return damaged();
  return std::move(*token);
}

}  // namespace credpool::inline CREDPOOL_ABI
