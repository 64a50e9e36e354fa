#pragma once
// SPDX-License-Identifier: MIT

// Connections to upstreams, kept and used again. Internal.

#include <credpool/impl/server/upstream_connection.hpp>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline void EventCall::pause() {
  paused_ = true;
  if (connection_) connection_->pause();
}

inline void EventCall::resume() {
  if (!std::exchange(paused_, false)) return;
  if (connection_) connection_->resume();
}

inline void EventCall::cancel() {
  listener_.reset();
  forget_head();
  if (const auto connection = std::exchange(connection_, nullptr)) {
    connection->call_.reset();
    connection->close();
  }
}

inline void UpstreamOriginPool::send(std::shared_ptr<EventCall> call) {
  while (!idle_.empty()) {
    const auto connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->is_stale()) {
      connection->close();
      continue;
    }
    return connection->send(std::move(call));
  }
  std::make_shared<UpstreamConnection>(*this)->connect(std::move(call));
}

inline void UpstreamOriginPool::end() {
  idle_.clear();
  std::vector<std::shared_ptr<UpstreamConnection>> all;
  for (auto* connection : open_) all.push_back(connection->shared_from_this());
  for (const auto& connection : all) connection->end();
}

inline void UpstreamOriginPool::put_back(std::shared_ptr<UpstreamConnection> connection) {
  if (idle_.size() >= max_idle) return connection->close();
  connection->idle();
  idle_.push_back(std::move(connection));
}

inline void UpstreamOriginPool::take_out(const UpstreamConnection& connection) {
  std::erase_if(idle_, [&](const auto& other) { return other.get() == &connection; });
}

inline Result<SslHandle> UpstreamOriginPool::new_tls(UpstreamConnection& connection) {
  SslHandle ssl{tls_ ? ::SSL_new(tls_) : nullptr};
  const auto& host = origin_->host;
  asio::error_code not_an_address;
  (void)asio::ip::make_address(host, not_an_address);
  const bool named = static_cast<bool>(not_an_address);
  if (!ssl || (named && ::SSL_set_tlsext_host_name(ssl.get(), host.c_str()) != 1) ||
      (named ? ::SSL_set1_host(ssl.get(), host.c_str())
             : ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl.get()), host.c_str())) != 1)
    return credpool::fail(Errc::tls, "preparing a TLS connection", origin_->key());
  ::SSL_set_connect_state(ssl.get());
  SSL_set_app_data(ssl.get(), &connection);
  if (session_) ::SSL_set_session(ssl.get(), session_.get());
  return ssl;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
