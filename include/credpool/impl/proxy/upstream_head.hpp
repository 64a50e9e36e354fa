#pragma once
// SPDX-License-Identifier: MIT

// Heads of requests to upstreams, and what is kept of their answers'. Internal.

#include <credpool/core/result.hpp>
#include <credpool/core/secret.hpp>
#include <credpool/credential/credential.hpp>
#include <credpool/proxy/catalog.hpp>
#include <credpool/proxy/header_rules.hpp>
#include <credpool/server/request_head.hpp>

#include <credpool/impl/server/head_writer.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// Request line and headers of a POST as they go to an upstream, with the credential in them.
/// @errors malformed when a header of the caller or the credential cannot stand in a head
inline Result<std::string> upstream_head(const ProxyCatalog::Way& way, const RequestHead& from,
                                         const Credential& credential, std::size_t body_bytes) {
  const auto secret = credential.secret.reveal();
  if (!is_header_value(secret))
    return fail(Errc::malformed, "using a credential", credential.profile_id,
                "its token holds characters that no header may hold");
  thread_local std::vector<HeaderView> kept;
  if (auto selected = select_upstream_headers(from.headers, kept); !selected)
    return fail(selected.error());

  const auto ours = [&](std::string_view name) {
    const auto& headers = way.target.headers;
    const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& header) {
      return same_header_name(header.name, name);
    });
    return found == headers.end() ? nullptr : &*found;
  };
  // As long as it can get: the text is never moved, so that no copy of the secret stays behind.
  constexpr std::size_t marks = 64;
  std::size_t size = marks + way.head.size() + secret.size();
  for (const auto& header : way.target.headers)
    size += HeadWriter::header_size(header.name, header.value);
  for (const auto& [name, value] : kept) size += HeadWriter::header_size(name, value);
  HeadWriter head{size};
  head.add(way.head).add(secret).add("\r\ncontent-length: ").add_number(body_bytes).add("\r\n");
  for (const auto& header : way.target.headers) {
    if (header.rule == HeaderRule::set) continue;  // stands in the fixed part
    const auto given = find_header(kept, header.name);
    if (!given) {
      head.header(header.name, header.value);
    } else if (header.rule == HeaderRule::append) {
      head.add(header.name).add(": ").add(*given);
      if (given->find(header.value) == std::string_view::npos) head.add(",").add(header.value);
      head.add("\r\n");
    }
  }
  for (const auto& [name, value] : kept) {
    const auto* of_ours = ours(name);
    if (!of_ours || of_ours->rule == HeaderRule::fallback) head.header(name, value);
  }
  return std::move(head.add("\r\n")).take();
}

/// Headers that outlive the message they came with.
class KeptHeaders {
 public:
  void assign(const std::vector<HeaderView>& headers) {
    kept_.clear();
    for (const auto& [name, value] : headers) kept_.emplace_back(name, value);
  }
  std::vector<HeaderView> views() const {
    std::vector<HeaderView> all;
    for (const auto& [name, value] : kept_) all.push_back({name, value});
    return all;
  }

 private:
  std::vector<std::pair<std::string, std::string>> kept_;
};

inline bool is_event_stream(const std::vector<HeaderView>& headers) noexcept {
  constexpr std::string_view wanted = "text/event-stream";
  const auto type = find_header(headers, "content-type");
  return type && type->size() >= wanted.size() &&
         same_header_name(type->substr(0, wanted.size()), wanted);
}

/// Whether a stream's first event, or a comment that keeps the connection alive, is there whole.
inline bool has_whole_event(std::string_view text) noexcept {
  return text.find("\n\n") != std::string_view::npos ||
         text.find("\r\n\r\n") != std::string_view::npos ||
         text.find("\r\r") != std::string_view::npos;
}

/// Providers quote a key that they refuse: an error never shows ours.
inline void hide(const Secret& secret, std::string& text) {
  const auto hidden = secret.reveal();
  if (hidden.size() < 8) return;
  for (auto at = text.find(hidden); at != std::string::npos; at = text.find(hidden, at))
    text.replace(at, hidden.size(), "***");
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
