#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/result.hpp>
#include <credpool/server/request_head.hpp>

#include <span>
#include <string_view>
#include <vector>

namespace credpool::inline CREDPOOL_ABI {

/// Which of a caller's headers go to the upstream: those on a list.
///
/// An allow list, because what a caller's own surroundings put into a request (cookies, tokens of
/// another gateway, the addresses of a network) is nobody's business but theirs, and a list of what
/// to strip is never complete; new features of the services keep working all the same, since
/// everything under their own prefixes is on the list.
///
/// On it: accept, content-type, idempotency-key, traceparent, tracestate, and what begins with
/// anthropic-, openai-, x-stainless- or x-dashscope-; but neither openai-organization nor
/// openai-project, which belong to the caller's account and not to the one that is lent. Never what
/// Connection names.
///
/// Not on it: Host, framing, Accept-Encoding (usage is read from the answer, so it must come as it
/// is), User-Agent (ours is sent), Authorization and every other credential: these the proxy writes
/// itself.
///
/// @param out cleared first; views into `headers`
/// @errors malformed when a name is no token or a value that would go on holds a control character:
///         nothing of such a request may be sent
/// @effects none (pure)
/// @source RFC 9110, sections 5.1, 5.5 and 7.6.1
Result<void> select_upstream_headers(std::span<const HeaderView> headers,
                                     std::vector<HeaderView>& out);

/// Which of an upstream's headers go back to the caller: all but those on a list.
///
/// A deny list, because the caller has asked for that service's answer: rate limits, processing
/// times and what services will think of next must reach it.
///
/// Stripped: hop-by-hop headers and what Connection names, framing (content-length: the server's
/// business), Date (the server's), Set-Cookie, what tells the browser about the upstream's host
/// (alt-svc, strict-transport-security, report-to, nel ...), what tells whose account was lent
/// (openai-organization, openai-project, anthropic-organization-id, ...), and any header of
/// credpool's own name. The upstream's x-request-id goes on as x-upstream-request-id: x-request-id
/// is ours.
///
/// @param out cleared first; views into `headers` and to constants
/// @errors malformed as above: an answer whose head is not sound is not passed on
/// @effects none (pure)
Result<void> select_answer_headers(std::span<const HeaderView> headers,
                                   std::vector<HeaderView>& out);

/// Whether it is a header's name: a token (RFC 9110, section 5.6.2).
bool is_header_name(std::string_view name) noexcept;

/// Whether it may stand in a header as its value: no control character but the tab, no blank at
/// either end.
bool is_header_value(std::string_view value) noexcept;

}  // namespace credpool::inline CREDPOOL_ABI

#if !defined(CREDPOOL_COMPILED)
#include <credpool/impl/proxy/header_rules.ipp>
#endif
