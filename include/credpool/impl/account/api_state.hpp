#pragma once
// SPDX-License-Identifier: MIT

// What the routes of the accounts' interface share. Internal.

#include <credpool/account/api.hpp>
#include <credpool/impl/account/api_answer.hpp>

#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>

namespace credpool::inline CREDPOOL_ABI {
namespace detail {

/// One request on its way.
struct ApiCall {
  const ApiRequest& request;
  TimePoint now;
  std::string_view route;    ///< the path without "/v1"
  bool versioned = false;    ///< it stood under "/v1"
  std::string_view name;     ///< what stands for ":name" in the route
  Account account;           ///< with a management key
  std::string key_digest;    ///< of that key
  bool by_operator = false;  ///< who runs the server asks for that account, without a key
};

/// Lets only so many through at a time; who would have to stand too far back is turned away.
class ApiTurnstile {
 public:
  ApiTurnstile(std::size_t at_once, std::size_t waiting)
      : free_{at_once < 1 ? 1 : at_once}, places_{waiting} {}

  /// Runs it when it is its turn.
  /// @return false: too many wait already, and it was not run
  template <class Run> bool pass(Run run) {
    {
      std::unique_lock lock{mutex_};
      if (free_ == 0 && waiting_ >= places_) return false;
      ++waiting_;
      freed_.wait(lock, [&] { return free_ > 0; });
      --waiting_;
      --free_;
    }
    const Leave leave{*this};
    run();
    return true;
  }

 private:
  struct Leave {
    ApiTurnstile& gate;
    ~Leave() {
      {
        const std::lock_guard lock{gate.mutex_};
        ++gate.free_;
      }
      gate.freed_.notify_one();
    }
  };

  std::mutex mutex_;
  std::condition_variable freed_;
  std::size_t free_;
  std::size_t places_;
  std::size_t waiting_ = 0;
};

/// What reconcile() has seen of refunds and disputes.
struct ApiTakings {
  std::mutex turn;
  TimePoint last{};      ///< when the last look began that saw everything that was new
  TimePoint over_all{};  ///< when the last one began that went over all of them
  /// By id, of those that are booked, or are not ours.
  std::unordered_map<std::string, std::string> status;
};

struct ApiState {
  explicit ApiState(AccountApiOptions given);

  AccountApiOptions options;
  AccountStore& store;
  std::optional<Stripe> stripe;
  std::optional<GitHubLogin> github;
  RateLimiter peers;
  RateLimiter accounts;
  RateLimiter newcomers;
  FailureBackoff pair_guesses;
  FailureBackoff peer_guesses;
  FailureBackoff email_guesses;
  ApiTurnstile password_turns;
  /// Accounts are read, changed and written: one thread at a time for each.
  std::array<std::mutex, 64> account_turns;
  std::mutex no_password_mutex;
  ApiTakings takings;
  std::string no_password;  ///< the hash of nothing anybody knows; made when it is first needed

  std::mutex& account_turn(std::string_view account) {
    return account_turns[std::hash<std::string_view>{}(account) % account_turns.size()];
  }
  std::string day_of(TimePoint when) const;
};

/// What a guess of a password came to.
struct ApiPasswordCheck {
  bool right = false;
  std::optional<Response> refusal;  ///< it was not looked at: too many guesses
};

/// Checks a password; as slow without an account as with one.
/// @param account none: there is no such account
ApiPasswordCheck check_password(ApiState& state, const ApiCall& call, std::string_view email,
                                const Account* account, std::string_view password);
/// @errors overloaded when too many passwords are being hashed
Result<std::string> hash_password(ApiState& state, std::string_view password);

/// Answers once for each idempotency key of an account; without a key each time.
/// @param secret the answer holds a key: it is kept sealed, and only who sent the first request can
///               have it again
Response answer_once(ApiState& state, ApiCall& call, bool secret,
                     const std::function<Response()>& answer);

/// Keys of the account that are not revoked, oldest first.
Result<std::vector<ManagementKey>> live_management_keys(ApiState& state, const AccountId& account);
Response too_many_management_keys();
/// A new management key, in the store.
Result<Secret> issue_management_key(ApiState& state, const AccountId& account, bool revoke_others,
                                    TimePoint now);

/// Adds up what a day of the calendar or its past has used.
OrderedJson usage_summary(std::vector<UsageDay> days, std::string_view today);

/// {"items", "total"} and, when a part was asked for or there is more,
/// {"limit","offset","has_more"}.
template <class T, class Write>
OrderedJson api_page(const Page<T>& page, PageRequest asked, bool always, Write write) {
  OrderedJson data;
  data["items"] = OrderedJson::array();
  for (const auto& item : page.items) data["items"].push_back(write(item));
  data["total"] = page.total;
  const bool more = asked.offset + page.items.size() < page.total;
  if (always || more) {
    data["limit"] = asked.limit;
    data["offset"] = asked.offset;
    data["has_more"] = more;
  }
  return data;
}

// The routes: auth_routes.ipp
Response register_account(ApiState& state, ApiCall& call);
Response log_in(ApiState& state, ApiCall& call);
Response show_account(ApiState& state, ApiCall& call);
Response change_password(ApiState& state, ApiCall& call);
Response remove_account(ApiState& state, ApiCall& call);
// management_key_routes.ipp
Response rotate_management_key(ApiState& state, ApiCall& call);
Response list_management_keys(ApiState& state, ApiCall& call);
Response add_management_key(ApiState& state, ApiCall& call);
Response revoke_management_key(ApiState& state, ApiCall& call);
// key_routes.ipp
Response create_key(ApiState& state, ApiCall& call);
Response list_keys(ApiState& state, ApiCall& call);
Response show_key(ApiState& state, ApiCall& call);
Response update_key(ApiState& state, ApiCall& call);
Response revoke_key(ApiState& state, ApiCall& call);
Response rotate_key(ApiState& state, ApiCall& call);
// credit_routes.ipp
Response show_credits(ApiState& state, ApiCall& call);
Response buy_credits(ApiState& state, ApiCall& call);
Response list_transactions(ApiState& state, ApiCall& call);
Response show_auto_topup(ApiState& state, ApiCall& call);
Response set_auto_topup(ApiState& state, ApiCall& call);
Response forget_payment_method(ApiState& state, ApiCall& call);
// payment_routes.ipp
Response hear_stripe(ApiState& state, ApiCall& call);
// device_routes.ipp
Response begin_device_login(ApiState& state, ApiCall& call);
Response poll_device_login(ApiState& state, ApiCall& call);
Response finish_device_login(ApiState& state, ApiCall& call);
// usage_routes.ipp
Response show_usage(ApiState& state, ApiCall& call);
Response list_requests(ApiState& state, ApiCall& call);

}  // namespace detail
}  // namespace credpool::inline CREDPOOL_ABI
