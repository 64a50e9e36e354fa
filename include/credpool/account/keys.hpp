#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>

#include <string>
#include <string_view>

namespace credpool::inline CREDPOOL_ABI {

/// A random UUID (RFC 9562, version 4) in lower case.
/// @errors io when the system gives no random bytes
Result<std::string> new_uuid();

/// "sk-mgmt-" and a random UUID: 122 random bits.
/// @errors io when the system gives no random bytes
Result<Secret> new_management_key();

/// "sk-prov-" and 32 hexadecimal digits: 128 random bits.
/// @errors io when the system gives no random bytes
Result<Secret> new_provisioned_key();

/// Whether a text has the form of a management key; the version of its UUID is not looked at.
bool is_management_key(std::string_view text) noexcept;
/// Whether a text has the form of a provisioned key.
bool is_provisioned_key(std::string_view text) noexcept;

/// The form in which keys and tokens are kept and looked up: SHA-256, 64 hexadecimal digits. They
/// are random and long, so no salt and no slow hash is needed.
std::string key_digest(std::string_view key);

/// The public name of a key: the first 16 hexadecimal digits of its digest. A provisioned key keeps
/// the name of its first value.
std::string key_name_of(std::string_view digest);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/account/keys.ipp>
#endif
