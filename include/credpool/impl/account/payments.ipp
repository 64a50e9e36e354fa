#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/account/payments.hpp>

#include <algorithm>
#include <array>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

inline constexpr std::array<std::string_view, 2> payment_kinds{"checkout", "auto_topup"};
inline constexpr std::array<std::string_view, 4> payment_states{"open", "paid", "failed",
                                                                "unclaimed"};

/// The enumerator with that name, of those in order from 0.
template <class Enum, std::size_t N>
std::optional<Enum> payment_enum_of(const std::array<std::string_view, N>& names,
                                    std::string_view name) noexcept {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace detail

CREDPOOL_INLINE std::string_view to_string(PaymentKind kind) noexcept {
  return detail::payment_kinds[static_cast<std::size_t>(kind)];
}
CREDPOOL_INLINE std::string_view to_string(PaymentState state) noexcept {
  return detail::payment_states[static_cast<std::size_t>(state)];
}
CREDPOOL_INLINE std::optional<PaymentKind> payment_kind_of(std::string_view name) noexcept {
  return detail::payment_enum_of<PaymentKind>(detail::payment_kinds, name);
}
CREDPOOL_INLINE std::optional<PaymentState> payment_state_of(std::string_view name) noexcept {
  return detail::payment_enum_of<PaymentState>(detail::payment_states, name);
}

CREDPOOL_INLINE Result<void> MemoryPaymentStore::add_payment(const Payment& payment) {
  const std::lock_guard lock{mutex_};
  for (const auto& [id, other] : payments_)
    if (id == payment.id ||
        (payment.kind == PaymentKind::auto_topup && other.kind == payment.kind &&
         other.account == payment.account && other.state == PaymentState::open))
      return fail(Errc::conflict, "beginning a payment", {}, "another one is still open");
  payments_.emplace(payment.id, payment);
  return {};
}

CREDPOOL_INLINE Result<std::optional<Payment>> MemoryPaymentStore::payment(std::string_view id) {
  const std::lock_guard lock{mutex_};
  const auto found = payments_.find(id);
  return found == payments_.end() ? std::nullopt : std::optional{found->second};
}

CREDPOOL_INLINE Result<std::optional<Payment>> MemoryPaymentStore::payment_by_reference(
    std::string_view reference) {
  const std::lock_guard lock{mutex_};
  for (const auto& entry : payments_)
    if (!reference.empty() && entry.second.reference == reference)
      return std::optional{entry.second};
  return std::optional<Payment>{};
}

CREDPOOL_INLINE Result<std::optional<Payment>> MemoryPaymentStore::open_topup(
    const AccountId& account) {
  const std::lock_guard lock{mutex_};
  for (const auto& entry : payments_)
    if (entry.second.account == account && entry.second.kind == PaymentKind::auto_topup &&
        entry.second.state == PaymentState::open)
      return std::optional{entry.second};
  return std::optional<Payment>{};
}

CREDPOOL_INLINE Result<void> MemoryPaymentStore::change_payment(const Payment& payment) {
  const std::lock_guard lock{mutex_};
  const auto found = payments_.find(payment.id);
  if (found == payments_.end()) return fail(Errc::not_found, "changing a payment");
  if (found->second.state != PaymentState::open) return {};
  found->second.reference = payment.reference;
  found->second.state = payment.state;
  return {};
}

CREDPOOL_INLINE Result<std::vector<Payment>> MemoryPaymentStore::payments_in(
    PaymentState state, std::string_view after_id, std::uint64_t limit) {
  const std::lock_guard lock{mutex_};
  std::vector<Payment> found;
  for (auto entry = payments_.upper_bound(after_id);
       entry != payments_.end() && found.size() < limit; ++entry)
    if (entry->second.state == state) found.push_back(entry->second);
  return found;
}

CREDPOOL_INLINE Result<std::optional<PaymentMethod>> MemoryPaymentStore::payment_method(
    const AccountId& account) {
  const std::lock_guard lock{mutex_};
  const auto found = methods_.find(account);
  return found == methods_.end() ? std::nullopt : std::optional{found->second};
}

CREDPOOL_INLINE Result<void> MemoryPaymentStore::set_payment_method(
    const AccountId& account, const std::optional<PaymentMethod>& method) {
  const std::lock_guard lock{mutex_};
  if (method)
    methods_.insert_or_assign(account, *method);
  else
    methods_.erase(account);
  return {};
}

}  // namespace credpool::inline CREDPOOL_ABI
