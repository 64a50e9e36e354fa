#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/server/request_head.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Where an upstream listens.
struct UpstreamOrigin {
  std::string host;  ///< name or address, an IPv6 one without brackets
  std::uint16_t port = 443;
  bool tls = true;  ///< the certificate is always verified

  /// "https://host:port", the key of its connections.
  std::string key() const;
  /// "host" or "host:port" as it stands in a Host header.
  std::string authority() const;
  /// Reads "https://host[:port][/path]".
  /// @errors invalid_argument for what is not such an address
  static Result<UpstreamOrigin> parse(std::string_view url);

  friend bool operator==(const UpstreamOrigin&, const UpstreamOrigin&) = default;
};

/// A request to an upstream, ready to be sent.
struct UpstreamRequest {
  std::shared_ptr<const UpstreamOrigin> origin;
  /// Request line and headers with the empty line, secrets included; wiped when it has been sent.
  std::string head;
  std::string_view body;  ///< must stay where it is until the call ends
};

/// The head of an upstream's answer (not a 1xx).
struct UpstreamAnswerHead {
  int status = 0;
  std::vector<HeaderView> headers;              ///< valid during the call only
  std::optional<std::uint64_t> content_length;  ///< none: chunked or until the connection ends
};

/// Why an upstream's answer did not come or did not end.
struct UpstreamFailure {
  Error error;  ///< network, tls, timeout, malformed, too_large; cancelled when the engine stops
  bool request_sent = false;  ///< whether any byte of the request may have reached it
};

/// Who is told what an upstream answers. All calls come on the call's own thread, never from inside
/// one of its functions. After on_end() or on_failure() no more come.
class UpstreamListener {
 public:
  virtual ~UpstreamListener() = default;
  virtual void on_head(const UpstreamAnswerHead& head) = 0;
  /// A piece of the body, as it came; valid until on_batch_end(), or on_end() if that comes at
  /// once.
  virtual void on_data(std::string_view bytes) = 0;
  /// All that was there has been handed over.
  /// @param complete with it the answer is: on_end() comes at once
  virtual void on_batch_end(bool complete) = 0;
  /// The answer is complete.
  virtual void on_end() = 0;
  virtual void on_failure(const UpstreamFailure& failure) = 0;
};

/// A request on its way.
/// @thread_safety used on its own thread only
class UpstreamCall {
 public:
  virtual ~UpstreamCall() = default;
  /// Reads no more until resume(): at most the batch that is being handed over still comes.
  virtual void pause() = 0;
  virtual void resume() = 0;
  /// Ends it at once; nothing is told any more.
  virtual void cancel() = 0;
};

/// A way to send requests to upstreams and to hear their answers piece by piece.
class Upstream {
 public:
  virtual ~Upstream() = default;
  /// Delivers the request at most once: repeats nothing, follows no redirect.
  virtual std::shared_ptr<UpstreamCall> send(UpstreamRequest request,
                                             std::shared_ptr<UpstreamListener> listener) = 0;
};

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/server/upstream.ipp>
#endif
