#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/core/time.hpp>
#include <credpool/credential/kind.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// A key or token that we keep ourselves, because no CLI's store holds it.
///
/// A plain record. All texts are UTF-8 without control characters.
struct SecretRecord {
  std::string profile_id;     ///< what names it: unique in its store, 1 to 256 bytes
  std::string cli;            ///< the CLI it was imported for, "kimi-cli"; 1 to 64 bytes
  std::string provider;       ///< "kimi-code"; 1 to 64 bytes
  Kind kind = Kind::api_key;  ///< api_key or token
  Secret secret;              ///< fit for a header (is_safe_token()); empty in a listing
  TimePoint created{};        ///< when it was put here
  std::string base_url;  ///< where to use it; empty: the provider's default; at most 2048 bytes
  std::string note;      ///< for a person; at most 1024 bytes
};

/// A place that keeps secrets of our own.
///
/// `put` adds a record or replaces the one of the same profile id; `get` returns it with its secret
/// (Errc::not_found when there is none); `list` returns all without their secrets, sorted by
/// profile id; `erase` removes one (Errc::not_found when there is none). `location` names the place
/// for a person. A change is durable when the call returns, or has not happened.
///
/// Several processes may use one store at once; one object: caller serialises. Calls may block on
/// files for as long as another process writes, never on the network.
template <class S>
concept SecretStore = requires(S& store, const S& reader, const SecretRecord& record,
                               std::string_view profile_id) {
  { store.put(record) } -> std::same_as<Result<void>>;
  { reader.get(profile_id) } -> std::same_as<Result<SecretRecord>>;
  { reader.list() } -> std::same_as<Result<std::vector<SecretRecord>>>;
  { store.erase(profile_id) } -> std::same_as<Result<void>>;
  { reader.location() } -> std::same_as<std::string>;
};

/// Whether every store takes that record: the limits that SecretRecord tells.
/// @errors invalid_argument naming the member, never its value
Result<void> check_record(const SecretRecord& record);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/store/secret_store.ipp>
#endif
