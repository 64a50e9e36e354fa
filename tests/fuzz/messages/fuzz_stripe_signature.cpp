// SPDX-License-Identifier: MIT
#include <credpool/account/stripe.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace cp = credpool;

// Input: up to the first line's end a header's value, after it the body. Nobody knows the secret,
// so nothing is ever genuine; and whatever a body says, it is read without harm.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cp::Secret secret{"whsec_fake_of_the_fuzzer"};
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const auto header = input.substr(0, input.find('\n'));
  const auto body = input.substr(std::min(header.size() + 1, input.size()));
  constexpr cp::TimePoint now{cp::Duration{1'795'262'400'000}};
  if (cp::check_stripe_signature(header, body, secret, now)) std::abort();
  const auto event = cp::read_stripe_event(body);
  if (event && (event->payment.cents < 0 || event->type.empty())) std::abort();
  return 0;
}
