#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/api.hpp>

#include <credpool/impl/account/api_state.hpp>
#include <credpool/impl/account/sealed_answer.hpp>

#include <algorithm>
#include <thread>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline bool is_idempotency_key(std::string_view key) noexcept {
  return key.size() <= 255 &&
         std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; });
}

/// The answer of an earlier request, or why it cannot be given again.
inline Response answer_again(const ApiCall& call, StoredAnswer kept) {
  Response answer{kept.status, {{"Content-Type", "application/json"}}, std::move(kept.body)};
  if (answer.body.starts_with(sealed_answer_mark)) {
    auto text = open_answer(answer.body, call.request.authorization, call.request.idempotency_key);
    if (!text)
      return api_error(409, "CONFLICT",
                       "This was answered to another management key, and the answer holds a key.");
    answer.body = std::move(*text);
  }
  answer.headers.push_back({"Idempotent-Replayed", "true"});
  return answer;
}

CREDPOOL_INLINE Response answer_once(ApiState& state, ApiCall& call, bool secret,
                                     const std::function<Response()>& answer) {
  const auto& name = call.request.idempotency_key;
  if (name.empty()) return answer();
  if (!is_idempotency_key(name))
    return api_invalid("The Idempotency-Key must have 1 to 255 printable ASCII characters.");
  const auto& account = call.account.id;
  const auto digest = to_hex(sha256_of_parts({call.request.method, call.route, call.request.body}));

  constexpr Duration pause{20};
  for (Duration waited{0};; waited += pause) {
    auto kept = state.store.claim_answer(account, name, digest, state.options.now());
    if (kept && *kept) return answer_again(call, std::move(**kept));
    if (kept) break;
    if (kept.error().errc() == Errc::conflict)
      return api_error(422, "IDEMPOTENCY_KEY_REUSED",
                       "This Idempotency-Key was used for another request.");
    if (kept.error().errc() != Errc::busy) return api_store_failed(kept.error());
    if (waited >= state.options.limits.duplicate_wait)
      return api_later(409, "REQUEST_IN_PROGRESS",
                       "The first request with this Idempotency-Key is still being answered.",
                       Duration{1'000});
    if (state.options.wait)
      state.options.wait(pause);
    else
      std::this_thread::sleep_for(pause);
  }

  auto given = answer();
  // Only success is kept: what was refused may be mended and tried again under the same key.
  bool kept = false;
  if (given.status >= 200 && given.status < 300) {
    auto body = secret ? seal_answer(given.body, call.request.authorization, name) : given.body;
    kept = body && state.store.keep_answer(account, name, {digest, given.status, *body});
  }
  // It was answered all the same. When this fails too, the claim ends by itself.
  if (!kept) static_cast<void>(state.store.drop_answer(account, name));
  return given;
}

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
