#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/credential/credential.hpp>
#include <credpool/refresh/exchange.hpp>

namespace credpool::inline CREDPOOL_ABI {

/// What an exchange is asked for, for that credential: to refresh it when it is due, and at once
/// when its status says that the provider no longer accepts its token.
ExchangeRequest refresh_request_of(const Credential& credential);

/// The credential with the tokens that an exchange left in its store, and the times that go with
/// them. A verdict on the old token is lifted, also by `kept`: that one still works. One that the
/// user switched off stays off.
Credential refreshed(const Credential& credential, const ExchangeReport& report);

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/refresh/refreshed.ipp>
#endif
