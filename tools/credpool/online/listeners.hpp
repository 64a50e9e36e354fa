#pragma once
// SPDX-License-Identifier: MIT

#include "../commands.hpp"

#include <credpool/config/proxy_settings.hpp>
#include <credpool/core/result.hpp>
#include <credpool/proxy/catalog.hpp>
#include <credpool/server/event_engine.hpp>
#include <credpool/server/listen_address.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace credpool_cli {

/// Where `serve` listens, as the command line or else the configuration says.
/// @errors invalid_argument for what is no address, and for one that others reach where that is not
///         safe
credpool::Result<std::vector<credpool::ListenAddress>> listen_addresses(
    const ServeOptions& options, const credpool::ProxySettings& settings);

/// Whether it may listen there.
/// @errors invalid_argument where others reach it and that is not safe
credpool::Result<void> check_listener(const ServeOptions& options,
                                      const credpool::ListenAddress& address);

credpool::EventEngineOptions engine_options(const Session& session,
                                            const credpool::ProxySettings& settings,
                                            unsigned threads, credpool::TrustedProxies proxies);

/// Where clients of this machine find a listener.
std::string url_of(const credpool::ListenAddress& address, bool tls);

/// Says what is lent, and what is not and why.
void tell_what(const Session& session, const credpool::ProxyCatalog& catalog);

/// Says how programs are pointed at a listener.
/// @param key_file empty: with accounts, each has its own keys
void tell_how(const Session& session, const credpool::ListenAddress& address, bool tls,
              const std::filesystem::path& key_file);

}  // namespace credpool_cli
